namespace PeaEngine.Diffusion.Adapters;

/// <summary>What an adapter makes of a student's hidden state.</summary>
/// <param name="Sequence">[B, T, SequenceFeatures]: in place of the UNet's text encoders' states.</param>
/// <param name="Pooled">[B, PooledFeatures]: in place of the pooled embedding, where the adapter has one.</param>
public readonly record struct AdapterOutput(Tensor Sequence, Tensor? Pooled);

namespace PeaEngine.Train;

/// <summary>
/// What random numbers of a training run are for: the stream of <see cref="Randomness.Philox"/>. Numbers of one purpose do not change when another
/// takes more or fewer. They are part of every run: a number is never given to another purpose.
/// </summary>
public enum RandomStream
{
    /// <summary>The order of a source's shards; the position has the source and the epoch.</summary>
    Shards = 1,

    /// <summary>The order within a shuffle buffer; the position has the source and the buffer's number.</summary>
    ShuffleBuffer = 2,

    /// <summary>Which source a sample is drawn from; the position is its place in the order.</summary>
    Source = 3,

    /// <summary>Which sample of a source is drawn, uniformly; the position is its place in the order.</summary>
    Sample = 4,

    /// <summary>Which of a sample's languages is taken; the position is its place in the order.</summary>
    Language = 5,

    /// <summary>Where a picture is cropped; the position is its place in the order, or in a cache the byte of its shard.</summary>
    Crop = 6,

    /// <summary>The sample of the VAE's posterior; the position is the sample's place in the order.</summary>
    Latents = 7,

    /// <summary>The noise that is added to a sample's latents; the position is its place in the order.</summary>
    Noise = 8,

    /// <summary>The noise offset of a sample's channels; the position is its place in the order.</summary>
    NoiseOffset = 9,

    /// <summary>A sample's timestep; the position is its place in the order.</summary>
    Timestep = 10,

    /// <summary>Whether a sample's text is dropped; the position is its place in the order.</summary>
    TextDropout = 11,

    /// <summary>A fresh adapter's weights; the position is the parameter's number.</summary>
    Adapter = 12,

    /// <summary>The warm start's own seed, by which its order and languages are drawn; the position is 0.</summary>
    WarmStart = 13,

    /// <summary>Whether a sample's text is dropped in the warm start; the position is its place in the warm start's order.</summary>
    WarmStartDropout = 14,

    /// <summary>A fresh LoRA's first factors; the position is the weight's number.</summary>
    Lora = 15,

    /// <summary>The noise of a validation; the position has the sample and the timestep.</summary>
    ValidationNoise = 16,
}

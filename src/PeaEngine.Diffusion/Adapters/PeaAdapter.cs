using PeaEngine.Formats;
using PeaEngine.Layers;

namespace PeaEngine.Diffusion.Adapters;

/// <summary>
/// The adapter of PEA-Diffusion (arXiv 2311.17086): x = projector(layernorm(hidden)), pooled = mean of x over the tokens, sequence =
/// fc(gelu(x)); without <c>fc</c>, as for Stable Diffusion 1, sequence = x and nothing is pooled. Depth, widths and biases are the file's:
/// <c>projector.0</c>, <c>projector.2</c>, … with <c>fc</c>, or the older <c>fc1</c>, <c>fc2</c> with <c>fc3</c>; GELU, by the error function, between.
/// </summary>
public sealed class PeaAdapter : IDisposable
{
    const string NormKey = "layernorm.weight";
    const int Largest = 1 << 24;

    readonly WeightStore weights;
    readonly LayerNorm layerNorm;
    readonly Linear[] projector;
    readonly Linear? fc;

    PeaAdapter(WeightStore weights, AdapterMetadata metadata)
    {
        (this.weights, Metadata) = (weights, metadata);
        var source = weights.Source;
        var w = weights.RootOf(NormKey);
        InFeatures = source.Tensors.TryGetValue(w.Key(NormKey), out var info) && info.Shape is [> 0 and <= Largest and var channels]
            ? (int)channels
            : throw new PeaException($"{source.Path}: tensor '{w.Key(NormKey)}' is {info?.ToString() ?? "missing"}, expected the norm of a PEA adapter [channels]");
        layerNorm = new(w / "layernorm", InFeatures);
        var isLegacy = (w / "fc1").Has("weight");
        Weights[] places = isLegacy ? [w / "fc1", w / "fc2"] : ProjectorOf(w);
        projector = new Linear[places.Length];
        for (var i = 0; i < places.Length; i++) projector[i] = Take(places[i], i == 0 ? InFeatures : projector[i - 1].OutFeatures);
        var head = w / (isLegacy ? "fc3" : "fc");
        if (head.Has("weight")) fc = Take(head, projector[^1].OutFeatures);
        weights.AssertAllTaken();
    }

    /// <summary>What the file notes beside the weights.</summary>
    public AdapterMetadata Metadata { get; }

    /// <summary>The channels of the student's hidden state.</summary>
    public int InFeatures { get; }

    /// <summary>The channels of the sequence.</summary>
    public int SequenceFeatures => (fc ?? projector[^1]).OutFeatures;

    /// <summary>The channels of the pooled embedding; null where the adapter gives none.</summary>
    public int? PooledFeatures => fc == null ? null : projector[^1].OutFeatures;

    /// <summary>Loads an adapter from safetensors or from a file of <c>torch.save</c>; its weights stay in their stored type.</summary>
    /// <exception cref="PeaException">The file cannot be read, is no adapter, or its layers do not fit each other.</exception>
    public static PeaAdapter Load(string path, Backend backend)
    {
        using var source = TensorFile.Open(path);
        var metadata = new AdapterMetadata(path, (source as SafetensorsFile)?.Metadata ?? new Dictionary<string, string>());
        return WeightStore.Load(backend, source, store => new PeaAdapter(store, metadata));
    }

    /// <summary>Maps a student's hidden state to what the UNet takes.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="hidden">[B, T, <see cref="InFeatures"/>]</param>
    /// <param name="mask">[B, T]: 0 for padding. It counts only where the pooled mean is masked.</param>
    /// <exception cref="PeaException">Another number of channels, or of values in the mask.</exception>
    public AdapterOutput Forward(Pass p, Tensor hidden, ReadOnlySpan<byte> mask)
    {
        ArgumentNullException.ThrowIfNull(p);
        if (hidden.Shape.Rank != 3 || hidden.Shape[2] != InFeatures) throw new PeaException($"adapter: a student's hidden state {hidden.Shape}, expected [batch, tokens, {InFeatures}]");
        int batch = hidden.Shape[0], tokens = hidden.Shape[1];
        if (mask.Length != batch * tokens) throw new PeaException($"adapter: a mask of {mask.Length} values, expected {batch * tokens}");
        var sequence = p.New([batch, tokens, SequenceFeatures]);
        Tensor? pooled = PooledFeatures is { } features ? p.New([batch, features]) : null;
        using var scope = p.Scratch();
        var x = layerNorm.Forward(p, hidden);
        for (var i = 0; i < projector.Length - 1; i++) x = projector[i].Forward(p, x, Activation.Gelu);
        if (fc == null)
        {
            projector[^1].Forward(p, x, sequence);
            return new(sequence, null);
        }
        x = projector[^1].Forward(p, x);
        Pool(p, x, mask, pooled!.Value);
        p.Backend.Activate(x, x, Activation.Gelu);
        fc.Forward(p, x, sequence);
        return new(sequence, pooled);
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose() => weights.Dispose();

    void Pool(Pass p, Tensor x, ReadOnlySpan<byte> mask, Tensor y)
    {
        Tensor? counted = null;
        if (Metadata.MasksPooledMean)
        {
            counted = p.New([x.Shape[0], x.Shape[1]], DType.U8);
            p.Backend.Upload(mask, counted.Value);
        }
        p.Backend.MeanTokens(x, counted, y);
    }

    /// <summary>torch's Sequential counts the activations too: every second module is a linear.</summary>
    Weights[] ProjectorOf(Weights w)
    {
        var places = new List<Weights>();
        while ((w / "projector" / (2 * places.Count)).Has("weight")) places.Add(w / "projector" / (2 * places.Count));
        return places.Count > 0 ? [.. places] : throw new PeaException($"{weights.Source.Path}: no tensor '{w.Key("projector.0.weight")}' or '{w.Key("fc1.weight")}', expected a PEA adapter");
    }

    /// <summary>A linear of as many outputs as the file says, with a bias where the file has one.</summary>
    Linear Take(Weights place, int inFeatures)
    {
        var key = place.Key("weight");
        return weights.Source.Tensors.TryGetValue(key, out var info) && info.Shape is [> 0 and <= Largest and var outFeatures, _]
            ? new(place, inFeatures, (int)outFeatures, place.Has("bias"))
            : throw new PeaException($"{weights.Source.Path}: tensor '{key}' is {info?.ToString() ?? "missing"}, expected a matrix [outputs, {inFeatures}]");
    }
}

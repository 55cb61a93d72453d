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

    PeaAdapter(WeightStore weights, AdapterMetadata metadata, bool masksPooledMean)
    {
        (this.weights, Metadata, MasksPooledMean) = (weights, metadata, masksPooledMean);
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

    /// <summary>Every tensor of its weights, by the file's keys.</summary>
    public IReadOnlyDictionary<string, Tensor> Parameters => weights.Parameters;

    /// <summary>The bytes of its weights.</summary>
    public long WeightBytes => weights.Bytes;

    /// <summary>What the file notes beside the weights.</summary>
    public AdapterMetadata Metadata { get; }

    /// <summary>Whether the pooled embedding is the mean over the tokens that are no padding, instead of all.</summary>
    public bool MasksPooledMean { get; }

    /// <summary>The channels of the student's hidden state, and of what each linear gives, in their order.</summary>
    public IReadOnlyList<int> Dimensions => [InFeatures, .. projector.Select(linear => linear.OutFeatures), .. fc == null ? [] : new[] { fc.OutFeatures }];

    /// <summary>The channels of the student's hidden state.</summary>
    public int InFeatures { get; }

    /// <summary>The channels of the sequence.</summary>
    public int SequenceFeatures => (fc ?? projector[^1]).OutFeatures;

    /// <summary>The channels of the pooled embedding; null where the adapter gives none.</summary>
    public int? PooledFeatures => fc == null ? null : projector[^1].OutFeatures;

    /// <summary>Loads an adapter from safetensors or from a file of <c>torch.save</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="backend">Where the weights go; it stays the caller's.</param>
    /// <param name="dtype">F32, F16 or BF16, which its matrices are converted to, whatever the backend computes in; by default they are of the backend's type.</param>
    /// <param name="masksPooledMean">Whether the pooled mean leaves padding out, where the file does not say.</param>
    /// <exception cref="PeaException">The file cannot be read, is no adapter, or its layers do not fit each other.</exception>
    public static PeaAdapter Load(string path, Backend backend, DType? dtype = null, bool masksPooledMean = false)
    {
        using var file = TensorFile.Open(path);
        var metadata = new AdapterMetadata(path, file.Metadata);
        ITensorSource source = dtype is { } to ? new ConvertedTensors(file, to) : file;
        return WeightStore.Load(backend, source, store => new PeaAdapter(store, metadata, metadata.MasksPooledMean ?? masksPooledMean), keepsTypes: dtype != null);
    }

    /// <summary>Maps a student's hidden state to what the UNet takes.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="hidden">[B, T, <see cref="InFeatures"/>]</param>
    /// <param name="mask">[B, T]: 0 for padding. It counts only where the pooled mean is masked.</param>
    /// <exception cref="PeaException">Another number of channels, or of values in the mask.</exception>
    public AdapterOutput Forward(Pass p, Tensor hidden, ReadOnlySpan<byte> mask)
    {
        ArgumentNullException.ThrowIfNull(p);
        if (hidden.Shape.Rank == 3 && mask.Length != hidden.Shape.Rows) throw new PeaException($"adapter: a mask of {mask.Length} values, expected {hidden.Shape.Rows}");
        if (!MasksPooledMean || fc == null) return Forward(p, hidden, (Tensor?)null);
        var counted = p.Save([hidden.Shape[0], hidden.Shape[1]], DType.U8);
        p.Backend.Upload(mask, counted);
        return Forward(p, hidden, counted);
    }

    /// <summary>The same with the mask on the backend, so that it is ops alone.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="hidden">[B, T, <see cref="InFeatures"/>]</param>
    /// <param name="mask">[B, T] U8; a backward pass finds it there. It may be none where the pooled mean is not masked.</param>
    /// <exception cref="PeaException">Another number of channels.</exception>
    public AdapterOutput Forward(Pass p, Tensor hidden, Tensor? mask)
    {
        ArgumentNullException.ThrowIfNull(p);
        if (hidden.Shape.Rank != 3 || hidden.Shape[2] != InFeatures) throw new PeaException($"adapter: a student's hidden state {hidden.Shape}, expected [batch, tokens, {InFeatures}]");
        int batch = hidden.Shape[0], tokens = hidden.Shape[1];
        var sequence = p.New([batch, tokens, SequenceFeatures]);
        Tensor? pooled = PooledFeatures is { } features ? p.New([batch, features]) : null;
        using var scope = p.Scratch();
        var x = p.Save(hidden.Shape);
        layerNorm.Forward(p, hidden, x);
        p.Saved?.Push(hidden);
        for (var i = 0; i < projector.Length; i++)
        {
            var y = i == projector.Length - 1 && fc == null ? sequence : p.Save(x.Shape.WithLast(projector[i].OutFeatures));
            p.Saved?.Push(x);
            projector[i].Forward(p, i == 0 ? x : Gelu(p, x), y);
            x = y;
        }
        if (fc == null) return new(sequence, null);
        p.Saved?.Push(x);
        Tensor? counted = MasksPooledMean ? mask : null;
        p.Backend.MeanTokens(x, counted, pooled!.Value);
        if (counted is { } tensor) p.Saved?.Push(tensor);
        fc.Forward(p, Gelu(p, x), sequence);
        return new(sequence, pooled);
    }

    /// <summary>
    /// The backward pass of <see cref="Forward(Pass, Tensor, Tensor?)"/>, over what that left in the same pass: adds to the gradients of the weights that are collected. The
    /// activations' outputs are computed again.
    /// </summary>
    /// <param name="p">The pass.</param>
    /// <param name="dSequence">[B, T, SequenceFeatures]</param>
    /// <param name="dPooled">[B, PooledFeatures], where the adapter pools.</param>
    /// <param name="dHidden">[B, T, InFeatures]: the gradient of the student's hidden state, written if given.</param>
    public void Backward(Pass p, Tensor dSequence, Tensor? dPooled = null, Tensor? dHidden = null)
    {
        ArgumentNullException.ThrowIfNull(p);
        using var scope = p.Scratch();
        var dx = fc == null ? dSequence : PooledBackward(p, dSequence, dPooled ?? throw new PeaException("adapter: no gradient of the pooled embedding, expected one"));
        for (var i = projector.Length - 1; i >= 0; i--)
        {
            var x = p.Saved!.Pop();
            projector[i].Train(p, i == 0 ? x : Gelu(p, x), dx);
            dx = projector[i].Backward(p, dx);
            if (i > 0) p.Backend.ActivateBackward(x, dx, dx, Activation.Gelu);
        }
        var hidden = p.Saved!.Pop();
        layerNorm.Backward(p, hidden, dx, dHidden ?? p.New(hidden.Shape));
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose() => weights.Dispose();

    /// <summary>The gradient of the last projection's output, which is pooled and goes through fc.</summary>
    Tensor PooledBackward(Pass p, Tensor dSequence, Tensor dPooled)
    {
        Tensor? counted = MasksPooledMean ? p.Saved!.Pop() : null;
        var x = p.Saved!.Pop();
        fc!.Train(p, Gelu(p, x), dSequence);
        var dx = fc.Backward(p, dSequence);
        p.Backend.ActivateBackward(x, dx, dx, Activation.Gelu);
        p.Backend.MeanTokensBackward(dPooled, counted, dx, add: true);
        return dx;
    }

    static Tensor Gelu(Pass p, Tensor x)
    {
        var y = p.New(x.Shape);
        p.Backend.Activate(x, y, Activation.Gelu);
        return y;
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

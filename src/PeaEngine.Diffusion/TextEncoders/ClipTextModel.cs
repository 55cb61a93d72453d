using System.Runtime.InteropServices;
using PeaEngine.Formats;
using PeaEngine.Layers;

namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>What a CLIP text encoder gives.</summary>
/// <param name="HiddenState">[B, T, hidden_size]</param>
/// <param name="Pooled">[B, projection_dim], or [B, hidden_size] without a projection, where asked for.</param>
public readonly record struct ClipTextOutput(Tensor HiddenState, Tensor? Pooled);

/// <summary>
/// transformers CLIPTextModel and CLIPTextModelWithProjection: a causal transformer over token ids. Whether the pooled state is
/// projected follows from the checkpoint.
/// </summary>
public sealed class ClipTextModel : IStudentModel
{
    /// <summary>The eos_token_id of configurations from before transformers knew it: the end token is then the largest id.</summary>
    const int LegacyEosTokenId = 2;

    readonly WeightStore weights;
    readonly Embedding tokenEmbedding, positionEmbedding;
    readonly ClipEncoderLayer[] layers;
    readonly LayerNorm finalLayerNorm;
    readonly Linear? textProjection;

    ClipTextModel(WeightStore weights, ClipTextConfig config)
    {
        (this.weights, Config) = (weights, config);
        // transformers writes the keys with this prefix up to version 4 and for models with a projection, else without it.
        var root = weights.Root;
        var w = (root / "text_model" / "embeddings" / "token_embedding").Has("weight") ? root / "text_model" : root;
        tokenEmbedding = new(w / "embeddings" / "token_embedding", config.VocabSize, config.HiddenSize);
        positionEmbedding = new(w / "embeddings" / "position_embedding", config.MaxPositions, config.HiddenSize);
        layers = new ClipEncoderLayer[config.HiddenLayers];
        for (var i = 0; i < layers.Length; i++) layers[i] = new(w / "encoder" / "layers" / i, config);
        finalLayerNorm = new(w / "final_layer_norm", config.HiddenSize, config.LayerNormEpsilon);
        if (config.HasProjection || (root / "text_projection").Has("weight"))
            textProjection = new(root / "text_projection", config.HiddenSize, config.ProjectionDim, bias: false);
        weights.AssertAllTaken(UnusedKeys.Contains);
    }

    /// <summary>What the model is made of.</summary>
    public ClipTextConfig Config { get; }

    /// <summary>Every tensor of its weights, by key.</summary>
    public IReadOnlyDictionary<string, Tensor> Parameters => weights.Parameters;

    /// <summary>The bytes of its weights.</summary>
    public long WeightBytes => weights.Bytes;

    /// <summary>Its matrices by key.</summary>
    internal IReadOnlyDictionary<string, Weight> Weights => weights.Weights;

    /// <summary>Whether the pooled embedding is projected.</summary>
    public bool HasProjection => textProjection != null;

    /// <inheritdoc/>
    public int HiddenSize => Config.HiddenSize;

    /// <inheritdoc/>
    public int? MaxTokens => Config.MaxPositions;

    /// <summary>The channels of the pooled embedding.</summary>
    public int PooledSize => textProjection?.OutFeatures ?? Config.HiddenSize;

    /// <summary>Loads an encoder: its <c>config.json</c> and its weights.</summary>
    /// <exception cref="PeaException">The configuration asks for something that is not implemented, or the weights do not fit it.</exception>
    public static ClipTextModel Load(Backend backend, JsonConfig config, ITensorSource weights)
    {
        var parsed = new ClipTextConfig(config);
        return WeightStore.Load(backend, weights, store => new ClipTextModel(store, parsed));
    }

    /// <summary>Encodes token ids. Only the layers that the results need are run.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="ids">[batch, tokens], row by row; at most max_position_embeddings tokens.</param>
    /// <param name="batch">The number of rows.</param>
    /// <param name="skipLayers">How many of the last layers the hidden state leaves out: transformers' <c>hidden_states[-(skipLayers + 1)]</c>.</param>
    /// <param name="finalLayerNorm">Whether the final norm is applied to the hidden state.</param>
    /// <param name="pooled">Whether the end token's state, through all layers, the final norm and the projection, is wanted too.</param>
    /// <exception cref="PeaException">A number of tokens, an id or a number of layers that the model does not have.</exception>
    /// <exception cref="OperationCanceledException">The pass was cancelled.</exception>
    public ClipTextOutput Forward(Pass p, ReadOnlySpan<int> ids, int batch, int skipLayers = 0, bool finalLayerNorm = true, bool pooled = false)
    {
        ArgumentNullException.ThrowIfNull(p);
        var tokens = TokenBatch.Tokens("clip", ids.Length, batch, MaxTokens);
        if (skipLayers < 0 || skipLayers > layers.Length) throw new PeaException($"clip: {skipLayers} layers to skip, expected 0 to {layers.Length}");
        var hidden = p.Save([batch, tokens, Config.HiddenSize]);
        Tensor? pooledState = pooled ? p.New([batch, PooledSize]) : null;
        using var scope = p.Scratch();
        tokenEmbedding.Forward(p, ids, hidden, positionEmbedding);
        var split = layers.Length - skipLayers;
        hidden = Run(p, hidden, layers.AsSpan(0, split));
        if (pooledState is { } state)
        {
            var last = hidden;
            if (skipLayers > 0 && p.Saved == null)
            {
                last = p.New(hidden.Shape);
                p.Backend.Copy(hidden, last);
            }
            last = Run(p, last, layers.AsSpan(split));
            Pool(p, last, ids, state);
        }
        if (!finalLayerNorm) return new(hidden, pooledState);
        var normed = p.Over(hidden);
        this.finalLayerNorm.Forward(p, hidden, normed);
        p.Saved?.Push(hidden);
        return new(normed, pooledState);
    }

    /// <summary>The backward pass of <see cref="Forward"/>, over what that left in the same pass.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="dHiddenState">[B, T, hidden_size]</param>
    /// <param name="dPooled">[B, <see cref="PooledSize"/>], where forward pooled.</param>
    /// <param name="skipLayers">As in forward.</param>
    /// <param name="finalLayerNorm">As in forward.</param>
    public void Backward(Pass p, Tensor dHiddenState, Tensor? dPooled = null, int skipLayers = 0, bool finalLayerNorm = true)
    {
        ArgumentNullException.ThrowIfNull(p);
        using var scope = p.Scratch();
        var dx = p.New(dHiddenState.Shape);
        if (finalLayerNorm) this.finalLayerNorm.Backward(p, p.Saved!.Pop(), dHiddenState, dx);
        else p.Backend.Copy(dHiddenState, dx);
        var split = layers.Length - skipLayers;
        if (dPooled is { } ofPooled)
            using (p.Scratch())
            {
                var dLast = p.New(dx.Shape);
                PoolBackward(p, ofPooled, dLast);
                RunBackward(p, dLast, layers.AsSpan(split));
                p.Backend.Combine(dx, new(1, dx), new(1, dLast));
            }
        RunBackward(p, dx, layers.AsSpan(0, split));
        tokenEmbedding.Backward(p, dx, positionEmbedding);
    }

    /// <summary>The last hidden state, normed. The mask changes nothing, as in diffusers: no token sees what follows it, and padding does.</summary>
    Tensor IStudentModel.Forward(Pass p, ReadOnlySpan<int> ids, ReadOnlySpan<byte> mask, int batch) => Forward(p, ids, batch).HiddenState;

    void IStudentModel.Backward(Pass p, Tensor dState) => Backward(p, dState);

    /// <summary>Frees the weights.</summary>
    public void Dispose() => weights.Dispose();

    static Tensor Run(Pass p, Tensor x, ReadOnlySpan<ClipEncoderLayer> layers)
    {
        foreach (var layer in layers)
        {
            p.ThrowIfCancelled();
            x = layer.Forward(p, x);
        }
        return x;
    }

    static void RunBackward(Pass p, Tensor dx, ReadOnlySpan<ClipEncoderLayer> layers)
    {
        for (var i = layers.Length - 1; i >= 0; i--)
        {
            p.ThrowIfCancelled();
            layers[i].Backward(p, dx);
        }
    }

    /// <summary>Writes y [B, PooledSize] from the last layer's x [B, T, C].</summary>
    void Pool(Pass p, Tensor x, ReadOnlySpan<int> ids, Tensor y)
    {
        int batch = x.Shape[0], tokens = x.Shape[1];
        using var scope = p.Scratch();
        Tensor rows = p.Save([batch, Config.HiddenSize]), flat = x.Reshape([batch * tokens, Config.HiddenSize]);
        // The norm and the projection work row by row, so only the pooled rows go through them.
        for (var b = 0; b < batch; b++)
            p.Backend.Copy(flat.Slice(b * tokens + EndOf(ids.Slice(b * tokens, tokens)), 1), rows.Slice(b, 1));
        var normed = textProjection == null ? y : p.Saved == null ? rows : p.New(rows.Shape);
        finalLayerNorm.Forward(p, rows, normed);
        textProjection?.Forward(p, normed, y);
        if (p.Saved == null) return;
        var ends = new int[batch];
        for (var b = 0; b < batch; b++) ends[b] = b * tokens + EndOf(ids.Slice(b * tokens, tokens));
        var uploaded = p.Keep([1, batch], DType.I32);
        p.Backend.Upload(MemoryMarshal.AsBytes(ends.AsSpan()), uploaded);
        p.Saved.Push(rows);
        p.Saved.Push(uploaded);
    }

    /// <summary>Writes the gradient of the last layer's x [B, T, C]: zeros but for the pooled rows.</summary>
    void PoolBackward(Pass p, Tensor dy, Tensor dx)
    {
        Tensor ends = p.Saved!.Pop(), rows = p.Saved.Pop();
        using var scope = p.Scratch();
        var dRows = p.New(rows.Shape);
        if (textProjection?.IsTrained(p) == true)
            using (p.Scratch()) textProjection.Train(p, finalLayerNorm.Forward(p, rows), dy);
        textProjection?.Backward(p, dy, dRows);
        finalLayerNorm.Backward(p, rows, textProjection == null ? dy : dRows, dRows);
        p.Backend.Clear(dx);
        p.Backend.EmbeddingBackward(ends, dRows.Reshape([1, rows.Shape[0], Config.HiddenSize]), dx.Reshape([dx.Shape.Rows, Config.HiddenSize]));
    }

    /// <summary>transformers' position of the end token: its first, 0 where there is none.</summary>
    int EndOf(ReadOnlySpan<int> row)
    {
        var end = Config.EosTokenId;
        if (end == LegacyEosTokenId)
        {
            end = row[0];
            foreach (var id in row) end = Math.Max(end, id);
        }
        return Math.Max(row.IndexOf(end), 0);
    }
}

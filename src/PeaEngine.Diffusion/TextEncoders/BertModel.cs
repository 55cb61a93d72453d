using PeaEngine.Formats;
using PeaEngine.Layers;

namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>
/// transformers BertModel and what has its layers: RoBERTa and XLM-RoBERTa, the text encoders of Chinese-CLIP (also cn_clip's own
/// checkpoints), of OpenCLIP with XLM-RoBERTa, and of AltCLIP, whose last hidden state is projected. Poolers are not loaded.
/// </summary>
public sealed class BertModel : IStudentModel
{
    /// <summary>The key by which a checkpoint is known to have a BERT, and where in it.</summary>
    internal const string WordEmbeddings = "embeddings.word_embeddings.weight";

    readonly WeightStore weights;
    readonly Embedding words, positions, tokenTypes;
    readonly LayerNorm embeddingsNorm;
    readonly BertLayer[] layers;
    readonly LayerNorm? preNorm;
    readonly Linear? transformation;

    BertModel(WeightStore weights, BertConfig config)
    {
        (this.weights, Config) = (weights, config);
        var w = weights.RootOf(WordEmbeddings);
        var embeddings = w / "embeddings";
        words = new(embeddings / "word_embeddings", config.VocabSize, config.HiddenSize, config.PadTokenId);
        positions = new(embeddings / "position_embeddings", config.MaxPositions, config.HiddenSize, config.PaddingIdx);
        tokenTypes = new(embeddings / "token_type_embeddings", config.TypeVocabSize, config.HiddenSize);
        embeddingsNorm = new(embeddings / "LayerNorm", config.HiddenSize, config.LayerNormEpsilon);
        // transformers calls AltCLIP's layers so from version 5 on.
        var list = (w / "encoder" / "layers" / 0 / "output" / "dense").Has("weight") ? w / "encoder" / "layers" : w / "encoder" / "layer";
        layers = new BertLayer[config.HiddenLayers];
        for (var i = 0; i < layers.Length; i++) layers[i] = new(list / i, config);
        if (config.ProjectDim is { } projected)
        {
            var outer = weights.RootOf("transformation.weight");
            preNorm = new(outer / "pre_LN", config.HiddenSize, config.LayerNormEpsilon);
            transformation = new(outer / "transformation", config.HiddenSize, projected);
        }
        weights.AssertAllTaken(UnusedKeys.Contains);
    }

    /// <summary>What the model is made of.</summary>
    public BertConfig Config { get; }

    /// <inheritdoc/>
    public int HiddenSize => transformation?.OutFeatures ?? Config.HiddenSize;

    /// <inheritdoc/>
    public int? MaxTokens => Config.MaxTokens;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Tensor> Parameters => weights.Parameters;

    /// <inheritdoc/>
    public long WeightBytes => weights.Bytes;

    /// <summary>Loads an encoder.</summary>
    /// <param name="backend">Where the weights go.</param>
    /// <param name="config">The sizes.</param>
    /// <param name="weights">The checkpoint. Its keys may begin with the name of a model around this one, such as <c>bert.</c> or <c>text.transformer.</c></param>
    /// <exception cref="PeaException">The weights do not fit the configuration.</exception>
    public static BertModel Load(Backend backend, BertConfig config, ITensorSource weights) => WeightStore.Load(backend, weights, store => new BertModel(store, config));

    /// <summary>Encodes token ids of one type.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="ids">[batch, tokens], row by row.</param>
    /// <param name="mask">[batch, tokens]: 0 for padding, which no token sees.</param>
    /// <param name="batch">The number of rows.</param>
    /// <param name="skipLayers">How many of the last layers are left out: transformers' <c>hidden_states[-(skipLayers + 1)]</c>; with 0, AltCLIP's state is projected.</param>
    /// <returns>[batch, tokens, <see cref="HiddenSize"/>], or the width of a layer where layers are left out.</returns>
    /// <exception cref="PeaException">A number of tokens, an id or a number of layers that the model does not have.</exception>
    /// <exception cref="OperationCanceledException">The pass was cancelled.</exception>
    public Tensor Forward(Pass p, ReadOnlySpan<int> ids, ReadOnlySpan<byte> mask, int batch, int skipLayers)
    {
        ArgumentNullException.ThrowIfNull(p);
        var tokens = TokenBatch.Tokens("bert", ids.Length, batch, MaxTokens);
        if (skipLayers < 0 || skipLayers > layers.Length) throw new PeaException($"bert: {skipLayers} layers to skip, expected 0 to {layers.Length}");
        var isProjected = skipLayers == 0 && transformation != null;
        Shape shape = [batch, tokens, Config.HiddenSize];
        var output = isProjected ? p.New(shape.WithLast(HiddenSize)) : p.Save(shape);
        using var scope = p.Scratch();
        var hidden = isProjected ? p.Save(shape) : output;
        Embed(p, ids, hidden);
        var keyPadding = TokenBatch.Upload("bert", p, mask, batch, tokens);
        foreach (var layer in layers.AsSpan(0, layers.Length - skipLayers))
        {
            p.ThrowIfCancelled();
            hidden = layer.Forward(p, hidden, new(KeyPadding: keyPadding));
        }
        p.Saved?.Push(keyPadding);
        if (!isProjected) return hidden;
        var normed = p.Saved == null ? hidden : p.New(shape);
        preNorm!.Forward(p, hidden, normed);
        transformation!.Forward(p, normed, output);
        p.Saved?.Push(hidden);
        return output;
    }

    /// <inheritdoc/>
    public Tensor Forward(Pass p, ReadOnlySpan<int> ids, ReadOnlySpan<byte> mask, int batch) => Forward(p, ids, mask, batch, skipLayers: 0);

    /// <inheritdoc/>
    public void Backward(Pass p, Tensor dState)
    {
        ArgumentNullException.ThrowIfNull(p);
        using var scope = p.Scratch();
        var dx = p.New(dState.Shape.WithLast(Config.HiddenSize));
        if (transformation != null)
        {
            var hidden = p.Saved!.Pop();
            if (transformation.IsTrained(p))
                using (p.Scratch()) transformation.Train(p, preNorm!.Forward(p, hidden), dState);
            transformation.Backward(p, dState, dx);
            preNorm!.Backward(p, hidden, dx, dx);
        }
        else
        {
            p.Backend.Copy(dState, dx);
        }
        var mask = new AttentionMask(KeyPadding: p.Saved!.Pop());
        for (var i = layers.Length - 1; i >= 0; i--)
        {
            p.ThrowIfCancelled();
            layers[i].Backward(p, mask, dx);
        }
        EmbedBackward(p, dx);
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose() => weights.Dispose();

    /// <summary>Writes y [B, T, C]: the norm of word, position and type together.</summary>
    void Embed(Pass p, ReadOnlySpan<int> ids, Tensor y)
    {
        using var scope = p.Scratch();
        Tensor sum = p.Over(y), position = p.New(y.Shape), type = p.New(y.Shape);
        words.Forward(p, ids, sum);
        positions.Forward(p, Positions(ids, y.Shape[1]), position);
        tokenTypes.Forward(p, new int[ids.Length], type);
        p.Backend.Combine(sum, new(1, sum), new(1, position), new(1, type));
        embeddingsNorm.Forward(p, sum, y);
        p.Saved?.Push(sum);
    }

    /// <summary>Overwrites the gradient of y.</summary>
    void EmbedBackward(Pass p, Tensor dy)
    {
        embeddingsNorm.Backward(p, p.Saved!.Pop(), dy, dy);
        tokenTypes.Backward(p, dy);
        positions.Backward(p, dy);
        words.Backward(p, dy);
    }

    int[] Positions(ReadOnlySpan<int> ids, int tokens)
    {
        var positions = new int[ids.Length];
        for (int i = 0, count = 0; i < positions.Length; i++)
        {
            if (i % tokens == 0) count = 0;
            // As in transformers, what is padding follows from the id, not from the mask.
            if (Config.PaddingIdx is { } padding) positions[i] = ids[i] == padding ? padding : padding + ++count;
            else positions[i] = i % tokens;
        }
        return positions;
    }
}

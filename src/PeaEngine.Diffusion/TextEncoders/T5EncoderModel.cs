using PeaEngine.Formats;
using PeaEngine.Layers;

namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>transformers MT5EncoderModel and UMT5EncoderModel, also from the checkpoint of a whole mT5 or umT5, whose decoder is not loaded.</summary>
public sealed class T5EncoderModel : IStudentModel
{
    /// <summary>The key by which a checkpoint is known to have an encoder of T5's kind, and where in it.</summary>
    internal const string FirstQuery = "encoder.block.0.layer.0.SelfAttention.q.weight";

    readonly WeightStore weights;
    readonly Embedding shared;
    readonly RelativePositionBias[] biases;
    readonly T5Block[] blocks;
    readonly RmsNorm finalNorm;

    T5EncoderModel(WeightStore weights, T5Config config)
    {
        (this.weights, Config) = (weights, config);
        var w = weights.RootOf(FirstQuery);
        var encoder = w / "encoder";
        // One table under two names, of which files without duplicates keep either.
        var isTied = !(w / "shared").Has("weight") && (encoder / "embed_tokens").Has("weight");
        shared = new(isTied ? encoder / "embed_tokens" : w / "shared", config.VocabSize, config.HiddenSize);
        blocks = new T5Block[config.HiddenLayers];
        biases = new RelativePositionBias[config.HasBiasInEveryBlock ? blocks.Length : 1];
        for (var i = 0; i < blocks.Length; i++)
        {
            var block = encoder / "block" / i;
            blocks[i] = new(block, config);
            if (i < biases.Length) biases[i] = new(block / "layer" / 0 / "SelfAttention" / "relative_attention_bias", config);
        }
        finalNorm = new(encoder / "final_layer_norm", config.HiddenSize, config.LayerNormEpsilon);
        weights.AssertAllTaken(UnusedKeys.Contains);
    }

    /// <summary>What the model is made of.</summary>
    public T5Config Config { get; }

    /// <inheritdoc/>
    public int HiddenSize => Config.HiddenSize;

    /// <inheritdoc/>
    public int? MaxTokens => null;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Tensor> Parameters => weights.Parameters;

    /// <inheritdoc/>
    public long WeightBytes => weights.Bytes;

    /// <summary>Loads an encoder: its <c>config.json</c> and its weights.</summary>
    /// <exception cref="PeaException">The configuration asks for something that is not implemented, or the weights do not fit it.</exception>
    public static T5EncoderModel Load(Backend backend, JsonConfig config, ITensorSource weights)
    {
        var parsed = new T5Config(config);
        return WeightStore.Load(backend, weights, store => new T5EncoderModel(store, parsed));
    }

    /// <summary>Encodes token ids.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="ids">[batch, tokens], row by row.</param>
    /// <param name="mask">[batch, tokens]: 0 for padding, which no token sees.</param>
    /// <param name="batch">The number of rows.</param>
    /// <param name="skipLayers">How many of the last layers are left out: transformers' <c>hidden_states[-(skipLayers + 1)]</c>, of which the last one alone is normed.</param>
    /// <returns>[batch, tokens, <see cref="HiddenSize"/>]</returns>
    /// <exception cref="PeaException">An id or a number of layers that the model does not have.</exception>
    /// <exception cref="OperationCanceledException">The pass was cancelled.</exception>
    public Tensor Forward(Pass p, ReadOnlySpan<int> ids, ReadOnlySpan<byte> mask, int batch, int skipLayers)
    {
        ArgumentNullException.ThrowIfNull(p);
        var tokens = TokenBatch.Tokens("t5", ids.Length, batch, MaxTokens);
        if (skipLayers < 0 || skipLayers > blocks.Length) throw new PeaException($"t5: {skipLayers} layers to skip, expected 0 to {blocks.Length}");
        var hidden = p.Save([batch, tokens, HiddenSize]);
        using var scope = p.Scratch();
        shared.Forward(p, ids, hidden);
        var bias = p.Save([1, Config.AttentionHeads, tokens, tokens], DType.F32);
        var keyPadding = TokenBatch.Upload("t5", p, mask, batch, tokens);
        var buckets = RelativePositionBias.Buckets(tokens, Config);
        for (var i = 0; i < blocks.Length - skipLayers; i++)
        {
            p.ThrowIfCancelled();
            if (i < biases.Length)
            {
                if (i > 0) bias = p.Over(bias);
                biases[i].Forward(p, buckets, bias);
            }
            hidden = blocks[i].Forward(p, hidden, new(KeyPadding: keyPadding, Bias: bias));
            p.Saved?.Push(bias);
        }
        p.Saved?.Push(keyPadding);
        if (skipLayers > 0) return hidden;
        var normed = p.Over(hidden);
        finalNorm.Forward(p, hidden, normed);
        p.Saved?.Push(hidden);
        return normed;
    }

    /// <inheritdoc/>
    public Tensor Forward(Pass p, ReadOnlySpan<int> ids, ReadOnlySpan<byte> mask, int batch) => Forward(p, ids, mask, batch, skipLayers: 0);

    /// <inheritdoc/>
    public void Backward(Pass p, Tensor dState)
    {
        ArgumentNullException.ThrowIfNull(p);
        using var scope = p.Scratch();
        Tensor dx = p.New(dState.Shape), dBias = p.New([1, Config.AttentionHeads, dx.Shape[1], dx.Shape[1]], DType.F32);
        finalNorm.Backward(p, p.Saved!.Pop(), dState, dx);
        var keyPadding = p.Saved.Pop();
        p.Backend.Clear(dBias);
        for (var i = blocks.Length - 1; i >= 0; i--)
        {
            p.ThrowIfCancelled();
            blocks[i].Backward(p, new(KeyPadding: keyPadding, Bias: p.Saved.Pop()), dx, dBias);
            if (i >= biases.Length) continue;
            biases[i].Backward(p, dBias);
            p.Backend.Clear(dBias);
        }
        shared.Backward(p, dx);
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose() => weights.Dispose();
}

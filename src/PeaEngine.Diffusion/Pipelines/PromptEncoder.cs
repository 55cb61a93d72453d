using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>What one text encoder makes of one prompt, on the host.</summary>
/// <param name="Sequence">[tokens, channels]</param>
/// <param name="Pooled">[channels], if asked for.</param>
readonly record struct EncodedPrompt(float[] Sequence, float[]? Pooled);

/// <summary>A tokenizer and its text encoder.</summary>
sealed class PromptEncoder : IDisposable
{
    readonly Backend backend;
    readonly ClipTokenizer tokenizer;
    readonly ClipTextModel model;

    PromptEncoder(Backend backend, ClipTokenizer tokenizer, ClipTextModel model) =>
        (this.backend, this.tokenizer, this.model) = (backend, tokenizer, model);

    /// <summary>Positions of an encoded prompt.</summary>
    public int Tokens => tokenizer.ModelMaxLength;

    /// <summary>The text encoder's matrices by key.</summary>
    public IReadOnlyDictionary<string, Weight> Weights => model.Weights;

    /// <summary>Whether the pooled embedding is projected.</summary>
    public bool HasProjection => model.HasProjection;

    /// <summary>Loads a pipeline's tokenizer and text encoder.</summary>
    /// <exception cref="PeaException">A file is missing or malformed, or the two do not fit each other.</exception>
    public static PromptEncoder Load(PipelineFiles pipeline, Backend backend, (string Tokenizer, string Encoder) names)
    {
        var tokenizer = pipeline.Tokenizer(names.Tokenizer).Load();
        var files = pipeline.Model(names.Encoder);
        using var weights = files.OpenWeights();
        var model = ClipTextModel.Load(backend, files.Config, weights);
        if (tokenizer.ModelMaxLength <= model.Config.MaxPositions) return new(backend, tokenizer, model);
        model.Dispose();
        throw new PeaException($"{files.Path}: {model.Config.MaxPositions} positions, but {names.Tokenizer} gives {tokenizer.ModelMaxLength} tokens");
    }

    /// <summary>The end of a prompt that does not fit, or null.</summary>
    public string? CutOff(string prompt) => tokenizer.CutOff(prompt);

    /// <summary>Encodes one prompt: the state that the last <paramref name="skipLayers"/> layers have not touched, normed or not, and the pooled embedding if asked for.</summary>
    public EncodedPrompt Encode(string prompt, int skipLayers, bool finalLayerNorm, bool pooled, CancellationToken cancellation)
    {
        var ids = tokenizer.Encode(prompt);
        float[] sequence = new float[Tokens * model.Config.HiddenSize], pool = new float[pooled ? model.PooledSize : 0];
        MeasuredArena.Run(backend, p =>
        {
            var output = model.Forward(p, ids, 1, skipLayers, finalLayerNorm, pooled);
            p.Backend.Download(output.HiddenState, sequence);
            if (output.Pooled is { } tensor) p.Backend.Download(tensor, pool);
        }, cancellation);
        return new(sequence, pooled ? pool : null);
    }

    public void Dispose() => model.Dispose();
}

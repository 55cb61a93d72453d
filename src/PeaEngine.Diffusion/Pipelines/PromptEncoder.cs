using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Diffusion.Prompts;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>What one text encoder makes of one prompt, on the host.</summary>
/// <param name="Sequence">[chunks · tokens, channels]</param>
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

    /// <summary>Positions of a chunk, to which a plain prompt is cut.</summary>
    public int Tokens => tokenizer.ModelMaxLength;

    /// <summary>The text encoder's matrices by key.</summary>
    public IReadOnlyDictionary<string, Weight> Weights => model.Weights;

    /// <summary>The bytes of the text encoder's weights, as they lie on the backend.</summary>
    public long WeightBytes => model.WeightBytes;

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

    /// <summary>How many chunks a prompt has; a plain one has one.</summary>
    public int Chunks(string prompt, PromptSyntax syntax) => Cut(prompt, syntax).Count;

    /// <summary>
    /// Encodes one prompt: the state that the last <paramref name="skipLayers"/> layers have not touched, normed or not, weighted, and the first
    /// chunk's pooled embedding if asked for.
    /// </summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="syntax">How it is read.</param>
    /// <param name="chunks">Chunks of the result, at least as many as the prompt has: empty ones follow.</param>
    /// <param name="skipLayers">Layers.</param>
    /// <param name="finalLayerNorm">Whether the state is normed.</param>
    /// <param name="pooled">Whether the pooled embedding is wanted.</param>
    /// <param name="cancellation">Ends the call.</param>
    public EncodedPrompt Encode(string prompt, PromptSyntax syntax, int chunks, int skipLayers, bool finalLayerNorm, bool pooled, CancellationToken cancellation)
    {
        var parts = Cut(prompt, syntax);
        while (parts.Count < chunks) parts.Add(new([], []));
        int[] ids = [.. parts.SelectMany(part => tokenizer.Encode(part.Ids, Tokens).Ids)];
        float[] sequence = new float[ids.Length * model.Config.HiddenSize], pool = new float[pooled ? parts.Count * model.PooledSize : 0];
        MeasuredArena.Run(backend, p =>
        {
            var output = model.Forward(p, ids, parts.Count, skipLayers, finalLayerNorm, pooled);
            p.Backend.Download(output.HiddenState, sequence);
            if (output.Pooled is { } tensor) p.Backend.Download(tensor, pool);
        }, cancellation);
        var size = sequence.Length / parts.Count;
        for (var i = 0; i < parts.Count; i++) parts[i].Weigh(sequence.AsSpan(i * size, size), model.Config.HiddenSize);
        return new(sequence, pooled ? pool[..model.PooledSize] : null);
    }

    List<PromptChunk> Cut(string prompt, PromptSyntax syntax)
    {
        if (syntax == PromptSyntax.Weighted) return PromptChunk.Cut(prompt, tokenizer, Tokens - 2);
        return [new(tokenizer.Tokenize(prompt), [])];
    }

    public void Dispose() => model.Dispose();
}

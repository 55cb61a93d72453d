using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Prompts;
using PeaEngine.Diffusion.TextEncoders;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>
/// PEA-Diffusion's (arXiv 2311.17086): a student's last hidden state through an adapter. The negative prompt goes the same way, as the empty
/// text where there is none, whatever <c>force_zeros_for_empty_prompt</c> says.
/// </summary>
sealed class AdapterConditioner : ITextConditioner
{
    readonly Backend backend;
    readonly PeaAdapter adapter;
    readonly StudentEncoder student;

    /// <summary>Checks that the student, the adapter and the UNet go together.</summary>
    /// <exception cref="PeaException">They do not.</exception>
    public AdapterConditioner(Backend backend, PipelineConfig config, PeaAdapter adapter, StudentEncoder student)
    {
        (this.backend, this.adapter, this.student) = (backend, adapter, student);
        config.CheckAdapter(adapter);
        if (adapter.InFeatures != student.HiddenSize)
            throw new PeaException($"adapter: for a student of {adapter.InFeatures} channels, the student gives {student.HiddenSize}");
        if (adapter.Metadata.StudentLength is { } length && length != student.Length)
            throw new PeaException($"adapter: trained with {length} tokens, the student gives {student.Length}");
    }

    /// <summary>Loads a source's adapter and student; the owner frees them.</summary>
    public static AdapterConditioner Load(Backend backend, PipelineConfig config, ComponentOwner components)
    {
        var source = config.Source;
        var adapter = components.Own(PeaAdapter.Load(source.Adapter!, backend));
        return new(backend, config, adapter, components.Own(StudentEncoder.Load(source.Student!, backend, adapter.Metadata.StudentLength ?? source.StudentLength)));
    }

    /// <summary>Refuses options that only the text encoders of the checkpoint know.</summary>
    /// <exception cref="OptionException">There is one.</exception>
    public static void Check(GenerateOptions options)
    {
        if (options.PromptSyntax != PromptSyntax.Plain) throw new OptionException("prompt syntax: weighted, but an adapter has no weights for a student's tokens");
        if (options.ClipSkip is { } skip) throw new OptionException($"clip skip: {skip}, but an adapter takes the student's last layer");
    }

    public string? CutOff(string prompt)
    {
        if (Fits(prompt)) return null;
        // The longest beginning that fits.
        int fits = 0, length = prompt.Length;
        while (length - fits > 1)
        {
            var middle = (fits + length) / 2;
            if (Fits(prompt[..middle])) fits = middle;
            else length = middle;
        }
        return prompt[fits..];
    }

    public PromptEmbeddings Encode(GenerateOptions options, bool guided, CancellationToken cancellation)
    {
        Check(options);
        return Encode(guided ? [options.NegativePrompt ?? "", options.Prompt] : [options.Prompt], cancellation);
    }

    public PromptEmbeddings Encode(IReadOnlyList<string> prompts, CancellationToken cancellation)
    {
        var tokens = prompts.Select(student.Tokenize).ToArray();
        int[] ids = [.. tokens.SelectMany(text => text.Ids)];
        byte[] mask = [.. tokens.SelectMany(text => text.Mask)];
        float[] sequence = new float[ids.Length * adapter.SequenceFeatures], pooled = new float[tokens.Length * (adapter.PooledFeatures ?? 0)];
        MeasuredArena.Run(backend, p =>
        {
            var output = adapter.Forward(p, student.Forward(p, ids, mask, tokens.Length), mask);
            p.Backend.Download(output.Sequence, sequence);
            if (output.Pooled is { } tensor) p.Backend.Download(tensor, pooled);
        }, cancellation);
        return new(tokens.Length, student.Length, sequence, adapter.PooledFeatures == null ? null : pooled);
    }

    /// <summary>Whether one more token of room would stay empty.</summary>
    bool Fits(string prompt) => student.Tokenizer.Encode(prompt, student.Length + 1).Mask[^1] == 0;
}

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>Turns the texts of a generation into what its UNet is conditioned on.</summary>
interface ITextConditioner
{
    /// <summary>The end of a prompt that the model will not see because it is too long, as its tokenizer reads it; or null.</summary>
    string? CutOff(string prompt);

    /// <summary>Encodes the prompt, and with guidance before it the negative prompt.</summary>
    PromptEmbeddings Encode(GenerateOptions options, bool guided, CancellationToken cancellation);

    /// <summary>Encodes plain prompts, at least one: a row for each.</summary>
    PromptEmbeddings Encode(IReadOnlyList<string> prompts, CancellationToken cancellation);
}

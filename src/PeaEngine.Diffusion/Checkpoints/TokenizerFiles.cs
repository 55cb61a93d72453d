using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>A tokenizer of a pipeline, not yet read.</summary>
/// <param name="Folder">Its folder; null for CLIP's own, for which no file is needed.</param>
/// <param name="PadToken">What CLIP's own fills prompts with.</param>
sealed record TokenizerFiles(string? Folder, string PadToken = ClipVocabulary.End)
{
    /// <summary>Reads it.</summary>
    /// <exception cref="PeaException">A file is missing or malformed.</exception>
    public ClipTokenizer Load() => Folder == null ? ClipTokenizer.OpenAi(PadToken) : ClipTokenizer.Load(Folder);
}

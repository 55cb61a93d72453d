namespace PeaEngine.Diffusion.Prompts;

/// <summary>How prompts are read.</summary>
public enum PromptSyntax
{
    /// <summary>As text, cut where the text encoder ends: diffusers' way.</summary>
    Plain,

    /// <summary>
    /// A1111's way: <c>(a)</c> weighs 1.1 times as much, <c>[a]</c> 1.1 times less, <c>(a:1.3)</c> 1.3 times, one in another the product; <c>\(</c> is a
    /// bracket; <c>BREAK</c> begins the next chunk, and so does what the text encoder has no room for.
    /// </summary>
    Weighted,
}

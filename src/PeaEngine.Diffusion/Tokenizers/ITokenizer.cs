namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>What a text encoder needs of a tokenizer: a text's ids, special tokens included, at a given length.</summary>
public interface ITokenizer
{
    /// <summary>The largest length that the tokenizer's own files speak of, or null where they set no limit.</summary>
    int? ModelMaxLength { get; }

    /// <summary>The text's ids, cut and padded to a length; a cut text keeps the special token at its end. A lone surrogate reads as U+FFFD.</summary>
    /// <param name="text">The text.</param>
    /// <param name="length">Tokens, those that begin, end and fill included.</param>
    /// <exception cref="OptionException">The length leaves no room for the special tokens.</exception>
    TokenizedText Encode(string text, int length);
}

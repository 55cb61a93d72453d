namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>Rewrites a text before words are looked for in it.</summary>
interface INormalizer
{
    /// <summary>The text as what follows wants it.</summary>
    string Normalize(string text);
}

/// <summary>Cuts a text into the words that a model encodes one by one.</summary>
interface IPreTokenizer
{
    /// <summary>Appends a text's words.</summary>
    /// <param name="text">The text.</param>
    /// <param name="isFirst">Whether nothing stands before it in what is tokenized.</param>
    /// <param name="words">Where they go.</param>
    void Split(string text, bool isFirst, List<string> words);
}

/// <summary>A vocabulary and how words are made of its tokens.</summary>
interface ITokenModel
{
    /// <summary>Appends a word's ids.</summary>
    void Encode(string word, List<int> ids);
}

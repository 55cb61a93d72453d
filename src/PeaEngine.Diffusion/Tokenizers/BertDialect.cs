namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>
/// The implementations of BERT's tokenizer that models were trained with. They agree on nearly every text. <see cref="ChineseClip"/> reads
/// <c>[MASK]</c> and its like as any text, keeps characters of private use, knows the ideographs of U+2B820 to U+2B91F, gives a capital
/// sigma at the end of a word its own lower case, and takes words of up to 200 characters where <see cref="Transformers"/> takes 100.
/// </summary>
public enum BertDialect
{
    /// <summary>transformers' BertTokenizer, by the tokenizers library.</summary>
    Transformers,

    /// <summary>cn_clip's own, after Google's.</summary>
    ChineseClip,
}

using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>
/// A text encoder of any language with its tokenizer: what stands, through an adapter, for the text encoders that a UNet was trained
/// with. BERT, XLM-RoBERTa, Chinese-CLIP, OpenCLIP's XLM-RoBERTa, AltCLIP, mT5, umT5 and CLIP, each from the files that its authors publish.
/// </summary>
public sealed class StudentEncoder : IDisposable
{
    /// <summary>cn_clip's context length, with which Chinese-CLIP was trained.</summary>
    const int ChineseClipLength = 52;

    /// <summary>More than any text encoder was trained with; an encoder without a table of positions has no limit of its own.</summary>
    const int LargestLength = 4096;

    readonly IStudentModel model;

    StudentEncoder(IStudentModel model, ITokenizer tokenizer, int length) => (this.model, Tokenizer, Length) = (model, tokenizer, length);

    /// <summary>The tokenizer.</summary>
    public ITokenizer Tokenizer { get; }

    /// <summary>The context length: the tokens of every text, those that begin, end and fill it included.</summary>
    public int Length { get; }

    /// <summary>The channels of the last hidden state.</summary>
    public int HiddenSize => model.HiddenSize;

    /// <summary>The bytes of its weights, as they lie on the backend.</summary>
    public long WeightBytes => model.WeightBytes;

    /// <summary>Loads a text encoder.</summary>
    /// <param name="path">
    /// A folder, or a file of weights in one: <c>config.json</c> with transformers' weights, <c>clip_cn_*.pt</c> of cn_clip, or OpenCLIP's
    /// <c>open_clip_pytorch_model.bin</c>, and the tokenizer's files beside them.
    /// </param>
    /// <param name="backend">Where the weights go; it stays the caller's.</param>
    /// <param name="length">The context length; by default Chinese-CLIP's 52, else what the tokenizer's files say, else the model's positions.</param>
    /// <exception cref="OptionException">The length is out of range, or none is given and the files tell none.</exception>
    /// <exception cref="PeaException">A file is missing or malformed, or what is there is no text encoder that is known: says what was looked for.</exception>
    public static StudentEncoder Load(string path, Backend backend, int? length = null)
    {
        ArgumentNullException.ThrowIfNull(backend);
        var files = StudentFiles.Find(path);
        var model = files.Load(backend, out var isChineseClip, out var dialect);
        try
        {
            var tokenizer = Tokenizers.Tokenizer.Load(files.Folder, dialect);
            var tokens = length ?? (isChineseClip ? ChineseClipLength : tokenizer.ModelMaxLength ?? model.MaxTokens)
                ?? throw new OptionException($"{path}: neither the tokenizer nor the model limits the number of tokens, expected a student length");
            var limit = model.MaxTokens ?? LargestLength;
            if (tokens < 1 || tokens > limit) throw new OptionException($"{path}: {tokens} tokens, expected a student length of 1 to {limit}");
            return new(model, tokenizer, tokens);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>A text's ids and mask, <see cref="Length"/> of each.</summary>
    public TokenizedText Tokenize(string text) => Tokenizer.Encode(text, Length);

    /// <summary>The last hidden state [batch, tokens, <see cref="HiddenSize"/>]; of AltCLIP, the projected one.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="ids">[batch, tokens], row by row.</param>
    /// <param name="mask">[batch, tokens]: 0 for padding, which no token sees.</param>
    /// <param name="batch">The number of rows.</param>
    /// <exception cref="PeaException">A number of tokens or an id that the model does not have.</exception>
    /// <exception cref="OperationCanceledException">The pass was cancelled.</exception>
    public Tensor Forward(Pass p, ReadOnlySpan<int> ids, ReadOnlySpan<byte> mask, int batch) => model.Forward(p, ids, mask, batch);

    /// <summary>Frees the weights.</summary>
    public void Dispose() => model.Dispose();
}

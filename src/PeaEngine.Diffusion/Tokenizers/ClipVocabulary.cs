using System.IO.Compression;
using System.Text.Json;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>
/// The vocabulary of OpenAI's CLIP, which OpenCLIP's models and so all of Stable Diffusion and SDXL share. Its merges are embedded; the
/// tokens follow from them: a symbol for each byte, each again as the end of a word, what the merges make, begin and end.
/// </summary>
static class ClipVocabulary
{
    /// <summary>Where the merges come from, for messages.</summary>
    public const string MergesName = "clip-merges.txt";

    /// <summary>The token that begins a prompt.</summary>
    public const string Begin = "<|startoftext|>";

    /// <summary>The token that ends a prompt.</summary>
    public const string End = "<|endoftext|>";

    const int MaxLength = 77;

    /// <summary>The merges, best first.</summary>
    public static List<(string Left, string Right)> Merges()
    {
        var merges = new List<(string, string)>();
        using var reader = new StreamReader(Open());
        _ = reader.ReadLine(); // the file's version
        while (reader.ReadLine() is { } line)
        {
            var space = line.IndexOf(' ');
            merges.Add((line[..space], line[(space + 1)..]));
        }
        return merges;
    }

    /// <summary>The tokens by id.</summary>
    public static List<string> Tokens(IEnumerable<(string Left, string Right)> merges)
    {
        // Bytes that stand for themselves come first, which is the order of their stand-ins.
        string[] symbols = [.. BytePairEncoding.Symbols.Order().Select(symbol => symbol.ToString())];
        return [.. symbols, .. symbols.Select(symbol => symbol + BytePairEncoding.EndOfWord), .. merges.Select(pair => pair.Left + pair.Right), Begin, End];
    }

    /// <summary>Writes vocab.json, merges.txt and tokenizer_config.json, as transformers reads them, into a folder that is there.</summary>
    /// <exception cref="PeaException">A file cannot be written.</exception>
    public static void Write(string folder, string padToken)
    {
        AtomicFile.Write(Path.Combine(folder, "merges.txt"), stream =>
        {
            using var merges = Open();
            merges.CopyTo(stream);
        });
        WriteJson("vocab.json", json =>
        {
            var tokens = Tokens(Merges());
            for (var id = 0; id < tokens.Count; id++) json.WriteNumber(tokens[id], id);
        });
        WriteJson("tokenizer_config.json", json =>
        {
            json.WriteString("tokenizer_class", "CLIPTokenizer");
            json.WriteNumber("model_max_length", MaxLength);
            json.WriteBoolean("do_lower_case", true);
            json.WriteString("bos_token", Begin);
            json.WriteString("eos_token", End);
            json.WriteString("unk_token", End);
            json.WriteString("pad_token", padToken);
        });

        void WriteJson(string name, Action<Utf8JsonWriter> write) => AtomicFile.Write(Path.Combine(folder, name), stream =>
        {
            using var json = new Utf8JsonWriter(stream);
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        });
    }

    static BrotliStream Open() => new(typeof(ClipVocabulary).Assembly.GetManifestResourceStream(MergesName + ".br")
        ?? throw new InvalidOperationException($"the resource {MergesName}.br is not embedded"), CompressionMode.Decompress);
}

using System.Text;
using System.Text.Json.Nodes;
using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Tests.Tokenizers;

/// <summary>The golden ids again, from a <c>tokenizer.json</c> made of the same vocabulary as the tokenizers library's files are.</summary>
public class TokenizersFileGoldenTests
{
    static readonly string[] XlmRobertaTokens = ["<s>", "<pad>", "</s>", "<unk>"];

    public static TheoryData<string> Unigrams() => GoldenFolder.Cases("tokenizer", name =>
        File.Exists(GoldenFolder.At("tokenizer", name, "sentencepiece.bpe.model")) || File.Exists(GoldenFolder.At("tokenizer", name, "spiece.model")));

    public static TheoryData<string> Merging() => TokenizerCases.FoldersWith("tokenizer.model");

    public static TheoryData<string> Berts() => TokenizerCases.FoldersWith("cases_transformers.json");

    [Theory]
    [MemberData(nameof(Unigrams))]
    public void UnigramModelsGiveTheSameIds(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var path = Directory.EnumerateFiles(GoldenFolder.At("tokenizer", name), "*.model").First();
        var model = SentencePieceModel.Read(path);
        var isXlmRoberta = path.EndsWith("sentencepiece.bpe.model", StringComparison.Ordinal);
        var vocabulary = new JsonArray();
        foreach (var token in isXlmRoberta ? XlmRobertaTokens : []) vocabulary.Add(new JsonArray(token, 0.0));
        foreach (var (text, score, _) in model.Pieces.Skip(isXlmRoberta ? 3 : 0)) vocabulary.Add(new JsonArray(Encoding.UTF8.GetString(text.Span), (double)score));
        string[] special = isXlmRoberta ? XlmRobertaTokens : ["<pad>", "</s>", "<unk>"];
        var file = new JsonObject
        {
            ["added_tokens"] = Added(special.Select((token, id) => (token, id))),
            ["normalizer"] = new JsonObject { ["type"] = "Precompiled", ["precompiled_charsmap"] = Convert.ToBase64String(model.PrecompiledCharsmap) },
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(new JsonObject { ["type"] = "WhitespaceSplit" }, new JsonObject { ["type"] = "Metaspace", ["replacement"] = "▁", ["add_prefix_space"] = true }),
            },
            ["post_processor"] = isXlmRoberta ? Template("<s>", 0, "</s>", 2) : Template(null, 0, "</s>", 1),
            ["model"] = new JsonObject { ["type"] = "Unigram", ["unk_id"] = isXlmRoberta ? 3 : 2, ["byte_fallback"] = model.ByteFallback, ["vocab"] = vocabulary },
        };
        Check(file, name, "cases.json", isXlmRoberta ? "xlmr_ids" : "t5_ids", special);
    }

    [Theory]
    [MemberData(nameof(Merging))]
    public void MergingModelsGiveTheSameIds(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var model = SentencePieceModel.Read(GoldenFolder.At("tokenizer", name, "tokenizer.model"));
        string[] pieces = [.. model.Pieces.Select(piece => Encoding.UTF8.GetString(piece.Text.Span))];
        var vocabulary = new JsonObject();
        for (var id = 0; id < pieces.Length; id++) vocabulary[pieces[id]] = id;
        // As transformers converts a model: every way to split a piece in two, in the order of the joined pieces' scores, then of the parts' ids.
        var merges = new JsonArray();
        foreach (var (joined, _) in pieces.Select((piece, id) => (piece, id)).Where(piece => model.Pieces[piece.id].Kind == SentencePieceModel.PieceKind.Normal).OrderByDescending(piece => model.Pieces[piece.id].Score))
        {
            var ways = Enumerable.Range(1, joined.Length - 1).Select(at => (Left: joined[..at], Right: joined[at..])).Where(way => vocabulary.ContainsKey(way.Left) && vocabulary.ContainsKey(way.Right));
            foreach (var (left, right) in ways.OrderBy(way => (int)vocabulary[way.Left]!).ThenBy(way => (int)vocabulary[way.Right]!)) merges.Add(new JsonArray(left, right));
        }
        string[] special = ["<unk>", "<s>", "</s>"];
        var file = new JsonObject
        {
            ["added_tokens"] = Added(special.Select((token, id) => (token, id))),
            ["normalizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["normalizers"] = new JsonArray(
                    new JsonObject { ["type"] = "Prepend", ["prepend"] = "▁" },
                    new JsonObject { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = " " }, ["content"] = "▁" }),
            },
            ["post_processor"] = Template("<s>", 1, null, 0),
            ["model"] = new JsonObject { ["type"] = "BPE", ["unk_token"] = "<unk>", ["fuse_unk"] = true, ["byte_fallback"] = true, ["vocab"] = vocabulary, ["merges"] = merges },
        };
        Check(file, name, "cases.json", "ids", special, 1);
    }

    [Theory]
    [MemberData(nameof(Berts))]
    public void WordPiecesGiveTheSameIds(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var vocabulary = new JsonObject();
        var tokens = File.ReadAllLines(GoldenFolder.At("tokenizer", name, "vocab.txt"));
        for (var id = 0; id < tokens.Length; id++) vocabulary[tokens[id]] = id;
        int Id(string token) => (int)vocabulary[token]!;
        var file = new JsonObject
        {
            ["added_tokens"] = Added(new[] { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" }.Select(token => (token, Id(token)))),
            ["normalizer"] = new JsonObject { ["type"] = "BertNormalizer", ["clean_text"] = true, ["handle_chinese_chars"] = true, ["strip_accents"] = null, ["lowercase"] = true },
            ["pre_tokenizer"] = new JsonObject { ["type"] = "BertPreTokenizer" },
            ["post_processor"] = new JsonObject { ["type"] = "BertProcessing", ["sep"] = new JsonArray("[SEP]", Id("[SEP]")), ["cls"] = new JsonArray("[CLS]", Id("[CLS]")) },
            ["model"] = new JsonObject { ["type"] = "WordPiece", ["unk_token"] = "[UNK]", ["continuing_subword_prefix"] = "##", ["max_input_chars_per_word"] = 100, ["vocab"] = vocabulary },
        };
        Check(file, name, "cases_transformers.json", "ids", []);
    }

    /// <summary>Texts that name a special token are left out: here it is found in them, in a SentencePiece model it is not.</summary>
    static void Check(JsonObject file, string name, string cases, string field, string[] special, params int[] first)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("tokenizer.json"), file.ToJsonString());
        var tokenizer = Tokenizer.Load(folder.Path);
        foreach (var entry in TokenizerCases.Read(GoldenFolder.At("tokenizer", name, cases)).Entries)
        {
            var text = TokenizerCases.Text(entry);
            if (special.Any(token => text.Contains(token, StringComparison.Ordinal))) continue;
            int[] expected = [.. first, .. TokenizerCases.Ids(entry, field)];
            Assert.Equal(expected, tokenizer.Encode(text, Math.Max(expected.Length, 2)).Ids.Take(expected.Length));
        }
    }

    static JsonArray Added(IEnumerable<(string Token, int Id)> tokens) => [.. tokens.Select(token =>
        new JsonObject { ["id"] = token.Id, ["content"] = token.Token, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = true })];

    static JsonObject Template(string? first, int firstId, string? last, int lastId)
    {
        var single = new JsonArray();
        var ids = new JsonObject();
        if (first != null) Add(first, firstId);
        single.Add(new JsonObject { ["Sequence"] = new JsonObject { ["id"] = "A", ["type_id"] = 0 } });
        if (last != null) Add(last, lastId);
        return new JsonObject { ["type"] = "TemplateProcessing", ["single"] = single, ["special_tokens"] = ids };

        void Add(string token, int id)
        {
            single.Add(new JsonObject { ["SpecialToken"] = new JsonObject { ["id"] = token, ["type_id"] = 0 } });
            ids[token] = new JsonObject { ["id"] = token, ["ids"] = new JsonArray(id), ["tokens"] = new JsonArray(token) };
        }
    }
}

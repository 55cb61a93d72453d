using System.Text;
using PeaEngine.Diffusion.Tokenizers;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>
/// The files of a text encoder as its authors publish them, and what their configuration or, where there is none, their keys say that
/// it is. A folder of transformers, a checkpoint of cn_clip (<c>clip_cn_*.pt</c>) or of OpenCLIP (<c>open_clip_pytorch_model.bin</c>).
/// </summary>
sealed class StudentFiles
{
    const string ConfigName = "config.json", ChineseClipName = "clip_cn_*.pt";

    static readonly string[] OpenClipNames = ["open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin"];

    /// <summary>What training on several devices puts before all keys, or does not.</summary>
    static readonly string[] Wrappers = ["module.", ""];

    StudentFiles(string folder, string weights)
    {
        (Folder, Weights) = (folder, weights);
        var config = Path.Combine(folder, ConfigName);
        Config = File.Exists(config) ? JsonConfig.Load(config) : null;
    }

    /// <summary>Where the tokenizer's files and the configuration are.</summary>
    public string Folder { get; }

    /// <summary>The weights or their index.</summary>
    public string Weights { get; }

    /// <summary>The folder's <c>config.json</c>.</summary>
    public JsonConfig? Config { get; }

    /// <summary>Finds the files of a folder, or those beside a file of weights.</summary>
    /// <exception cref="PeaException">There are none; says what was looked for.</exception>
    public static StudentFiles Find(string path)
    {
        if (File.Exists(path)) return new(Path.GetDirectoryName(Path.GetFullPath(path))!, path);
        if (!Directory.Exists(path)) throw new PeaException($"{path}: no such file or folder, expected a text encoder");
        return new(path, FindWeights(DiffusersFolder.Open(path)) ?? throw new PeaException(
            $"{path}: no text encoder in this folder, expected transformers' weights (model.safetensors, pytorch_model.bin, or an index of either), {string.Join(", ", OpenClipNames)} or {ChineseClipName}"));
    }

    /// <summary>The path of a folder's weights under transformers', OpenCLIP's or cn_clip's names, or null.</summary>
    /// <exception cref="PeaException">There are several files of cn_clip.</exception>
    public static string? FindWeights(DiffusersFolder folder) => folder.FindWeights() ?? folder.FindFile(OpenClipNames) ?? FindChineseClip(folder.Path);

    /// <summary>cn_clip's checkpoints hold a BERT called <c>bert</c>, and its projection as a bare tensor.</summary>
    public static bool IsChineseClip(IReadOnlyDictionary<string, TensorInfo> tensors) =>
        Array.Exists(Wrappers, wrapper => tensors.ContainsKey($"{wrapper}bert.{BertModel.WordEmbeddings}") && tensors.ContainsKey($"{wrapper}text_projection"));

    /// <summary>Loads the model.</summary>
    /// <param name="backend">Where the weights go.</param>
    /// <param name="isChineseClip">Whether it is Chinese-CLIP's text encoder in one of its forms.</param>
    /// <param name="dialect">Whose tokenizer it was trained with.</param>
    /// <exception cref="PeaException">It is no text encoder that is known; says what was looked for. Or the weights do not fit the configuration.</exception>
    public IStudentModel Load(Backend backend, out bool isChineseClip, out BertDialect dialect)
    {
        using var weights = TensorFile.Open(Weights);
        var isOriginal = IsChineseClip(weights.Tensors);
        dialect = isOriginal ? BertDialect.ChineseClip : BertDialect.Transformers;
        isChineseClip = isOriginal || Config?.OptionalString("model_type") is "chinese_clip" or "chinese_clip_text_model";
        if (Config?.Has("text_hidden_size") == true) return BertModel.Load(backend, BertConfig.ReadChineseClip(Config), weights);
        return Config?.Has("model_type") == true ? LoadByConfig(backend, TextConfig(Config), weights) : LoadByKeys(backend, weights);
    }

    static string? FindChineseClip(string folder)
    {
        string[] files = [.. Directory.EnumerateFiles(folder, ChineseClipName).Order(StringComparer.Ordinal)];
        return files.Length > 1 ? throw new PeaException($"{folder}: {files.Length} files {ChineseClipName}, expected one, or the path of the one that is meant") : files.FirstOrDefault();
    }

    /// <summary>The text encoder's part of the configuration of a model of pictures and texts; any other as it is.</summary>
    static JsonConfig TextConfig(JsonConfig config)
    {
        var type = config.String("model_type");
        if (type is not ("chinese_clip" or "altclip" or "clip") || config.Object("text_config") is not { } text) return config;
        if (!text.Has("model_type")) text = text.With("model_type", Encoding.UTF8.GetBytes($"\"{type}_text_model\""));
        return type == "clip" ? text.With("projection_dim", Encoding.UTF8.GetBytes($"{config.Int("projection_dim", 512)}")) : text;
    }

    static IStudentModel LoadByConfig(Backend backend, JsonConfig config, ITensorSource weights) => config.String("model_type") switch
    {
        "bert" or "roberta" or "xlm-roberta" or "camembert" or "chinese_clip_text_model" or "altclip_text_model" => BertModel.Load(backend, BertConfig.Read(config), weights),
        "t5" or "mt5" or "umt5" => T5EncoderModel.Load(backend, config, weights),
        "clip_text_model" => ClipTextModel.Load(backend, config, weights),
        _ => throw config.Wrong("model_type", "a text encoder: bert, roberta, xlm-roberta, camembert, mt5, umt5, t5, chinese_clip, altclip or clip"),
    };

    BertModel LoadByKeys(Backend backend, ITensorSource weights)
    {
        var prefix = WeightStore.PrefixOf(weights, BertModel.WordEmbeddings);
        if (weights.Tensors.ContainsKey(prefix + BertModel.WordEmbeddings)) return BertModel.Load(backend, BertConfig.Infer(weights), weights);
        foreach (var key in (string[])[T5EncoderModel.FirstQuery, "embeddings.token_embedding.weight"])
            if (weights.Tensors.ContainsKey(WeightStore.PrefixOf(weights, key) + key))
                throw new PeaException($"{Weights}: the key '{key}' is T5's or CLIP's, whose shapes do not tell all sizes; expected {ConfigName} with a model_type in {Folder}");
        throw new PeaException($"{Weights}: no text encoder, expected {ConfigName} with a model_type in {Folder}, or keys that end in {BertModel.WordEmbeddings} (BERT, XLM-RoBERTa, cn_clip, OpenCLIP)");
    }
}

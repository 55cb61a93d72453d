using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Prompts;
using PeaEngine.Diffusion.Schedulers;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>
/// What a picture's file says of itself: <c>parameters</c> as A1111 writes them, for people and other tools, and a JSON object under
/// <c>peaengine</c>, with diffusers' names of the arguments, from which the same picture can be drawn again.
/// </summary>
/// <param name="Source">The files of the pipeline.</param>
/// <param name="Options">
/// What was asked for, every default filled in. An init image, a mask and control images are not in the file; they must be given again.
/// </param>
/// <param name="Index">Which of the call's pictures it is, from 0.</param>
/// <param name="InitImageSha256">Of the init image's RGB bytes, in hexadecimal, or null.</param>
/// <param name="MaskSha256">Of the mask's RGB bytes, in hexadecimal, or null.</param>
/// <param name="Controls">One for each ControlNet; to draw again, they become the options' with their images.</param>
public sealed record PictureMetadata(PipelineSource Source, GenerateOptions Options, int Index, string? InitImageSha256, string? MaskSha256, IReadOnlyList<ControlMetadata> Controls)
{
    const string Plain = "plain", Weighted = "weighted";

    static readonly string Version = $"PeaEngine {typeof(PictureMetadata).Assembly.GetName().Version?.ToString(3)}";
    static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads what a PNG or JPEG of this engine says of itself; null if it says nothing.</summary>
    /// <exception cref="PeaException">The file cannot be read, or its JSON is not what this engine writes.</exception>
    public static PictureMetadata? Load(string path)
    {
        var json = PixelImage.Load(path).Texts.Where(text => text.Keyword == PictureText.Engine).Select(text => text.Text).FirstOrDefault();
        return json == null ? null : Parse(json, path);
    }

    /// <summary>The chunks of one picture.</summary>
    internal static IReadOnlyList<PictureText> Texts(GenerateOptions options, GenerationPlan plan, Scheduler scheduler, PipelineSource source, int index) =>
        [new(PictureText.Parameters, Parameters(options, plan, scheduler, source)), new(PictureText.Engine, Json(options, plan, scheduler, source, index))];

    static string Parameters(GenerateOptions options, GenerationPlan plan, Scheduler scheduler, PipelineSource source)
    {
        var text = new StringBuilder(options.Prompt);
        if (!string.IsNullOrEmpty(options.NegativePrompt)) text.Append("\nNegative prompt: ").Append(options.NegativePrompt);
        text.Append(CultureInfo.InvariantCulture, $"\nSteps: {plan.Steps}, Sampler: {options.Scheduler ?? scheduler.ClassName}, CFG scale: {plan.Guidance}");
        text.Append(CultureInfo.InvariantCulture, $", Seed: {options.Seed}, Size: {plan.Width}x{plan.Height}, Model: {Path.GetFileName(Path.GetFullPath(source.Model))}");
        if (options.ClipSkip is { } skip) text.Append(CultureInfo.InvariantCulture, $", Clip skip: {skip}");
        if (options.Eta is { } eta) text.Append(CultureInfo.InvariantCulture, $", Eta: {eta}");
        if (plan.Kind != GenerationKind.TextToImage) text.Append(CultureInfo.InvariantCulture, $", Denoising strength: {plan.Strength}");
        if (source.Loras.Count > 0) text.Append(", Loras: ").AppendJoin(' ', source.Loras.Select(lora => string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileNameWithoutExtension(lora.Path)}:{lora.Scale}")));
        ControlMetadata.AppendParameters(text, options, plan, source);
        return text.Append(", Version: ").Append(Version).ToString();
    }

    static string Json(GenerateOptions options, GenerationPlan plan, Scheduler scheduler, PipelineSource source, int index)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Relaxed))
        {
            writer.WriteStartObject();
            writer.WriteString("engine", Version);
            writer.WriteString("model", source.Model);
            if (source.Config != null) writer.WriteString("config", source.Config);
            if (source.Vae != null) writer.WriteString("vae", source.Vae);
            if (source.Student != null) writer.WriteString("student", source.Student);
            if (source.Adapter != null) writer.WriteString("adapter", source.Adapter);
            if (source.StudentLength is { } length) writer.WriteNumber("student_length", length);
            if (source.Loras.Count > 0) WriteLoras(writer, source.Loras);
            if (source.Refiner != null) writer.WriteString("refiner", source.Refiner);
            writer.WriteString("prompt", options.Prompt);
            writer.WriteString("negative_prompt", options.NegativePrompt);
            if (options.PromptSyntax != PromptSyntax.Plain) writer.WriteString("prompt_syntax", Weighted);
            writer.WriteNumber("num_inference_steps", plan.Steps);
            writer.WriteNumber("guidance_scale", plan.Guidance);
            writer.WriteNumber("guidance_rescale", options.GuidanceRescale);
            writer.WriteString("scheduler", options.Scheduler);
            writer.WriteString("scheduler_class", scheduler.ClassName);
            if (options.Eta is { } eta) writer.WriteNumber("eta", eta);
            writer.WriteNumber("seed", options.Seed);
            writer.WriteNumber("width", plan.Width);
            writer.WriteNumber("height", plan.Height);
            if (options.OriginalSize is { } original) WritePair(writer, "original_size", original);
            WritePair(writer, "crops_coords_top_left", options.CropTopLeft);
            if (options.TargetSize is { } target) WritePair(writer, "target_size", target);
            if (options.ClipSkip is { } skip) writer.WriteNumber("clip_skip", skip);
            if (options.RefinerStart is { } start) writer.WriteNumber("refiner_start", start);
            writer.WriteNumber("aesthetic_score", options.AestheticScore);
            writer.WriteNumber("negative_aesthetic_score", options.NegativeAestheticScore);
            ControlMetadata.Write(writer, options, plan, source);
            writer.WriteNumber("num_images_per_prompt", options.Count);
            writer.WriteNumber("index", index);
            if (options.InitImage is { } image)
            {
                writer.WriteNumber("strength", plan.Strength);
                writer.WriteString("image_sha256", Hash(image));
                if (options.Mask is { } mask) writer.WriteString("mask_image_sha256", Hash(mask));
            }
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    static PictureMetadata Parse(string json, string path)
    {
        var config = JsonConfig.Parse(Encoding.UTF8.GetBytes(json), path);
        var hash = config.OptionalString("image_sha256");
        var options = new GenerateOptions
        {
            Prompt = config.String("prompt"),
            NegativePrompt = config.OptionalString("negative_prompt"),
            PromptSyntax = config.String("prompt_syntax", Plain) switch
            {
                Plain => PromptSyntax.Plain,
                Weighted => PromptSyntax.Weighted,
                _ => throw config.Wrong("prompt_syntax", $"{Plain} or {Weighted}"),
            },
            Steps = config.Int("num_inference_steps"),
            Guidance = config.Float("guidance_scale"),
            GuidanceRescale = config.Float("guidance_rescale"),
            Scheduler = config.OptionalString("scheduler"),
            Eta = config.OptionalFloat("eta"),
            Seed = config.Element("seed") is { ValueKind: JsonValueKind.Number } seed && seed.TryGetUInt64(out var number) ? number : throw config.Wrong("seed", "a whole number"),
            Width = config.Int("width"),
            Height = config.Int("height"),
            OriginalSize = ReadPair(config, "original_size"),
            CropTopLeft = ReadPair(config, "crops_coords_top_left") ?? default,
            TargetSize = ReadPair(config, "target_size"),
            ClipSkip = config.OptionalInt("clip_skip"),
            Count = config.Int("num_images_per_prompt"),
            Strength = config.OptionalFloat("strength"),
            GuessMode = config.Bool("guess_mode", false),
            RefinerStart = config.OptionalFloat("refiner_start"),
            AestheticScore = config.Float("aesthetic_score", 6),
            NegativeAestheticScore = config.Float("negative_aesthetic_score", 2.5),
        };
        var source = new PipelineSource(config.String("model"))
        {
            Config = config.OptionalString("config"),
            Vae = config.OptionalString("vae"),
            Student = config.OptionalString("student"),
            Adapter = config.OptionalString("adapter"),
            StudentLength = config.OptionalInt("student_length"),
            ControlNets = config.Strings("controlnet", []),
            Loras = ReadLoras(config),
            Refiner = config.OptionalString("refiner"),
        };
        return new(source, options, config.Int("index"), hash, config.OptionalString("mask_image_sha256"), ControlMetadata.Read(config));
    }

    static void WriteLoras(Utf8JsonWriter writer, IReadOnlyList<LoraSource> loras)
    {
        writer.WriteStartArray("lora");
        foreach (var lora in loras) writer.WriteStringValue(lora.Path);
        writer.WriteEndArray();
        writer.WriteStartArray("lora_scale");
        foreach (var lora in loras) writer.WriteNumberValue(lora.Scale);
        writer.WriteEndArray();
    }

    static LoraSource[] ReadLoras(JsonConfig config)
    {
        var scales = config.Floats("lora_scale", []);
        string[] paths = config.Strings("lora", []);
        return paths.Length == scales.Length ? [.. paths.Zip(scales, (path, scale) => new LoraSource(path, scale))] : throw config.Wrong("lora_scale", "as many as there are in lora");
    }

    static void WritePair(Utf8JsonWriter writer, string name, PixelSize size)
    {
        writer.WriteStartArray(name);
        writer.WriteNumberValue(size.Height);
        writer.WriteNumberValue(size.Width);
        writer.WriteEndArray();
    }

    static PixelSize? ReadPair(JsonConfig config, string key)
    {
        if (config.IsNull(key)) return null;
        return config.Ints(key) is [var height, var width] ? new PixelSize(height, width) : throw config.Wrong(key, "two whole numbers");
    }

    /// <summary>Of a picture's bytes.</summary>
    internal static string Hash(PixelImage image) => Convert.ToHexStringLower(SHA256.HashData(image.Pixels));
}

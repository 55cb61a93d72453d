using System.Text.Json;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Tests.Pipelines;

/// <summary>One case of a golden pipeline folder: diffusers' arguments, and where its files are.</summary>
sealed record PipelineCase(string Folder, string Name, JsonElement Arguments)
{
    static readonly string[] Files =
    [
        "cases.json", "cases_more.json", "cases_refiner.json", "cases_lora.json", "cases_lora_more.json", "cases_controlnet.json", "cases_controlnet_two.json",
        "cases_adapter.json", "cases_pea.json",
    ];

    static readonly string[] ControlArguments = ["controlnet", "controlnet_conditioning_scale", "control_guidance_start", "control_guidance_end", "guess_mode", "control_image"];

    /// <summary>Arguments of cases that are more than a checkpoint and a text.</summary>
    static readonly string[] MoreThanText = ["image", "lora", "student", "refiner"];

    /// <summary>The arguments that a case may have; another one is a case this test does not understand.</summary>
    static readonly HashSet<string> Known =
    [
        "case", "scheduler", "prompt", "negative_prompt", "num_inference_steps", "guidance_scale", "guidance_rescale", "eta", "seed", "width", "height",
        "original_size", "crops_coords_top_left", "target_size", "clip_skip", "num_images_per_prompt", "image", "strength", "mask_image",
        "base", "refiner", "refiner_start", "lora", "lora_scale", "student", "adapter",
        .. ControlArguments,
    ];

    /// <summary>The pipeline's files.</summary>
    public PipelineSource Source => new(Model) { Student = File("student"), Adapter = File("adapter"), ControlNets = [.. ControlNets], Loras = Loras, Refiner = File("refiner") };

    /// <summary>One LoRA with its scale, or a list of each.</summary>
    LoraSource[] Loras => [.. Items("lora").Zip(Items("lora_scale"), (file, scale) => new LoraSource(GoldenFolder.At("pipeline", Folder, "lora", file.GetString()!), scale.GetDouble()))];

    /// <summary>The pipeline's folder: the case's, its folder's own, or the trained one of the samples.</summary>
    public string Model
    {
        get
        {
            if (File("base") is { } model) return model;
            var own = GoldenFolder.At("pipeline", Folder, "model");
            return Directory.Exists(own) ? own : Path.Combine(Repository.Root, "samples", Folder, "teacher");
        }
    }

    /// <summary>The folders of its ControlNets: those it names, or its folder's where it has a control image and names none.</summary>
    public IReadOnlyList<string> ControlNets => !IsControlled ? []
        : [.. (Items("controlnet") is { Length: > 0 } named ? named.Select(name => name.GetString()!) : ["controlnet"]).Select(name => GoldenFolder.At("pipeline", Folder, name))];

    /// <summary>Whether there are ControlNets.</summary>
    public bool IsControlled => ControlArguments.Any(name => Arguments.TryGetProperty(name, out _));

    /// <summary>Whose pictures the ControlNets see: with an init image diffusers calls them otherwise.</summary>
    public string ControlImage => Arguments.TryGetProperty("control_image", out _) ? "control_image" : "image";

    /// <summary>The path of the init image: <c>image</c>, unless that is what the ControlNets see.</summary>
    public string? InitImage => IsControlled && ControlImage == "image" ? null : File("image");

    /// <summary>The steps before the refiner's, of a method that evaluates the model once a step.</summary>
    public int BaseSteps => (int)Math.Round(Number("num_inference_steps")!.Value * Number("refiner_start")!.Value);

    /// <summary>A file of the case.</summary>
    public string At(string suffix) => GoldenFolder.At("pipeline", Folder, Name + suffix);

    /// <summary>Rows of folder and case.</summary>
    public static TheoryData<string, string> All()
    {
        var data = new TheoryData<string, string>();
        var root = GoldenFolder.At("pipeline");
        if (Directory.Exists(root))
            foreach (var folder in Directory.EnumerateDirectories(root).Select(Path.GetFileName).Order(StringComparer.Ordinal))
                foreach (var one in Read(folder!))
                    data.Add(folder!, one.Name);
        if (data.Count == 0) data.Add("", "");
        return data;
    }

    /// <summary>The case of that name.</summary>
    public static PipelineCase Find(string folder, string name) => Read(folder).Single(one => one.Name == name);

    /// <summary>The folder's first text to image with this argument, or the first without it; null where another golden folder has none.</summary>
    public static PipelineCase? First(string folder, string argument)
    {
        var found = Directory.Exists(GoldenFolder.At("pipeline", folder))
            ? Read(folder).Where(one => !MoreThanText.Any(more => one.Arguments.TryGetProperty(more, out _))).MaxBy(one => one.Arguments.TryGetProperty(argument, out _) ? 1 : 0)
            : null;
        if (found == null) GoldenFolder.IsAbsent("");
        return found;
    }

    /// <summary>The case's arguments as options.</summary>
    public GenerateOptions Options()
    {
        foreach (var argument in Arguments.EnumerateObject()) Assert.Contains(argument.Name, Known);
        return new()
        {
            Prompt = Text("prompt") ?? "",
            NegativePrompt = Text("negative_prompt"),
            Steps = (int?)Number("num_inference_steps"),
            Guidance = Number("guidance_scale"),
            GuidanceRescale = Number("guidance_rescale") ?? 0,
            Scheduler = Text("scheduler"),
            Eta = Number("eta"),
            Seed = Arguments.GetProperty("seed").GetUInt64(),
            Width = (int?)Number("width"),
            Height = (int?)Number("height"),
            OriginalSize = Size("original_size"),
            CropTopLeft = Size("crops_coords_top_left") ?? default,
            TargetSize = Size("target_size"),
            ClipSkip = (int?)Number("clip_skip"),
            Count = (int?)Number("num_images_per_prompt") ?? 1,
            InitImage = InitImage is { } init ? PixelImage.Load(init) : null,
            Strength = Number("strength"),
            Mask = Picture("mask_image"),
            RefinerStart = Number("refiner_start"),
            Controls = [.. ControlNets.Select((_, i) => new Control(PixelImage.Load(GoldenFolder.At("pipeline", Folder, Items(ControlImage)[i].GetString()!)))
            {
                Scale = Items("controlnet_conditioning_scale") is { Length: > 0 } scales ? scales[i].GetDouble() : null,
                Start = Items("control_guidance_start") is { Length: > 0 } starts ? starts[i].GetDouble() : 0,
                End = Items("control_guidance_end") is { Length: > 0 } ends ? ends[i].GetDouble() : 1,
            })],
            GuessMode = Arguments.TryGetProperty("guess_mode", out var guess) && guess.GetBoolean(),
        };
    }

    /// <summary>A string argument.</summary>
    public string? Text(string name) => Arguments.TryGetProperty(name, out var value) ? value.GetString() : null;

    /// <summary>A number argument.</summary>
    public double? Number(string name) => Arguments.TryGetProperty(name, out var value) ? value.GetDouble() : null;

    /// <summary>A pair argument, rows before columns.</summary>
    public PixelSize? Size(string name) =>
        Arguments.TryGetProperty(name, out var value) ? new PixelSize(value[0].GetInt32(), value[1].GetInt32()) : null;

    /// <summary>The path of an argument that names a file or folder.</summary>
    public string? File(string name) => Text(name) is { } file ? Find(file) : null;

    /// <summary>Beside the case, or in the project's samples.</summary>
    string Find(string file) => file.StartsWith("samples/", StringComparison.Ordinal) ? Path.Combine(Repository.Root, file) : GoldenFolder.At("pipeline", Folder, file);

    /// <summary>An argument that is a list, or one value alone; empty where it is missing.</summary>
    public JsonElement[] Items(string name) => !Arguments.TryGetProperty(name, out var value) ? [] : value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];

    PixelImage? Picture(string name) => File(name) is { } file ? PixelImage.Load(file) : null;

    /// <summary>The cases of a folder.</summary>
    public static IEnumerable<PipelineCase> Read(string folder)
    {
        foreach (var file in Files)
        {
            var path = GoldenFolder.At("pipeline", folder, file);
            if (!System.IO.File.Exists(path)) continue;
            using var document = JsonDocument.Parse(System.IO.File.ReadAllBytes(path));
            foreach (var element in document.RootElement.EnumerateArray())
                yield return new(folder, element.GetProperty("case").GetString()!, element.Clone());
        }
    }
}

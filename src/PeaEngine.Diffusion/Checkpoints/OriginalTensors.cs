using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Diffusion.Vae;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>The tensors of a pipeline folder under the keys of an original file, which <see cref="SingleFile"/> reads back.</summary>
sealed class OriginalTensors : ITensorSource
{
    readonly List<MappedTensors> parts = [];
    readonly Dictionary<string, MappedTensors> owners = [];
    readonly Dictionary<string, TensorInfo> tensors = [];

    OriginalTensors(string path) => Path = path;

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => tensors;

    /// <summary>Opens the weights of a folder of Stable Diffusion or SDXL.</summary>
    /// <exception cref="PeaException">It is another pipeline, a file is missing or damaged, or a tensor has no name in the original naming.</exception>
    public static OriginalTensors Open(DiffusersFolder folder)
    {
        var opened = new OriginalTensors(folder.Path);
        try
        {
            opened.Load(folder);
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(string name, long byteOffset, Span<byte> destination)
    {
        // A marker has no bytes and no owner.
        if (owners.TryGetValue(name, out var part)) part.Read(name, byteOffset, destination);
        else if (!tensors.ContainsKey(name) || byteOffset != 0 || !destination.IsEmpty) throw new PeaException($"{Path}: no tensor {Quoted.Of(name)} of so many bytes");
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        foreach (var part in parts) part.Dispose();
    }

    void Load(DiffusersFolder folder)
    {
        var layout = LayoutOf(folder);
        foreach (var part in layout.Parts)
        {
            var component = folder.Component(part.Component);
            var weights = component.OpenWeights();
            try
            {
                var mapped = new MappedTensors(weights, Map(component, part, weights));
                parts.Add(mapped);
                foreach (var (key, info) in mapped.Tensors)
                {
                    tensors.Add(key, info);
                    owners.Add(key, mapped);
                }
            }
            catch
            {
                weights.Dispose();
                throw;
            }
        }
        var scheduler = folder.Component("scheduler").Config;
        if (layout != OriginalLayout.StableDiffusion2 && scheduler.String("prediction_type", "") == "v_prediction") AddMarker(OriginalLayout.PredictsVelocity);
        if (scheduler.Bool("rescale_betas_zero_snr", false)) AddMarker(OriginalLayout.HasZeroTerminalSnr);
    }

    void AddMarker(string key) => tensors.Add(key, new(key, DType.F32, [0]));

    static OriginalLayout LayoutOf(DiffusersFolder folder)
    {
        _ = folder.Components;
        if (PipelineFamily.Of(folder.ClassName) is not { } family) throw folder.Config.Wrong("_class_name", "the class of a StableDiffusion or StableDiffusionXL pipeline");
        if (family.IsXL) return folder.Components.ContainsKey("text_encoder") ? OriginalLayout.Sdxl : OriginalLayout.SdxlRefiner;
        // OpenAI's text encoder has the quick GELU, OpenCLIP's the exact one.
        return folder.Component("text_encoder").Config.String("hidden_act", "quick_gelu") == "quick_gelu" ? OriginalLayout.StableDiffusion1 : OriginalLayout.StableDiffusion2;
    }

    /// <summary>The component's tensors by their keys in the file.</summary>
    static Dictionary<string, MappedTensor> Map(DiffusersFolder component, OriginalPart part, ITensorSource weights)
    {
        var map = MapOf(component.Config, part, new(weights.Tensors.Keys));
        var found = new List<(KeyPair Pair, TensorInfo Info)>();
        foreach (var (key, info) in weights.Tensors)
        {
            if (map.FindDiffusers(key) is { } pair) found.Add((pair with { Original = part.Prefix + pair.Original }, info));
            else if (!part.IsUnneeded(key)) throw new PeaException($"{weights.Path}: tensor {Quoted.Of(key)} {info} has no name in the original key naming");
        }
        return found.GroupBy(item => item.Pair.Original).Select(MappedTensor.ToOriginal).ToDictionary(tensor => tensor.Info.Name);
    }

    static KeyMap MapOf(JsonConfig config, OriginalPart part, KeyModules modules)
    {
        var root = modules.Has("text_model") ? ClipKeys.Root : "";
        return part.Naming switch
        {
            OriginalNaming.UNet => UNetKeys.Map(UNetLayout.Of(new UNetConfig(config))),
            OriginalNaming.Vae => VaeKeys.Map(VaeLayout.Of(new AutoencoderKLConfig(config)), hasOldAttention: modules.Has("decoder.mid_block.attentions.0.query")),
            OriginalNaming.Transformers => ClipKeys.Transformers(ClipKeys.Root, root),
            _ => ClipKeys.OpenClip(modules.Count(i => $"{root}encoder.layers.{i}"), root),
        };
    }
}

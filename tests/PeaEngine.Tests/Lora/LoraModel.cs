using System.Security.Cryptography;
using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Diffusion.Lora;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Lora;

/// <summary>A golden UNet, loaded, with a stack of LoRAs over it and a folder for their files.</summary>
sealed class LoraModel : IDisposable
{
    readonly TemporaryFolder folder = new();
    readonly List<LoraFile> files = [];
    readonly UNet2DConditionModel unet;

    public LoraModel(string name = "sdxl", Backend? backend = null)
    {
        Backend = backend ?? Device.Open("cpu", 2);
        var path = Path.Combine(Repository.Root, "tests", "golden", "unet", name);
        Checkpoint = SafetensorsFile.Open(Path.Combine(path, "diffusion_pytorch_model.safetensors"));
        unet = UNet2DConditionModel.Load(Backend, JsonConfig.Load(Path.Combine(path, "config.json")), Checkpoint);
        Originals = UNetKeys.Map(UNetLayout.Of(unet.Config));
        Stack = new(Backend);
        Stack.Add(LoraKey.UNet, unet.Weights, Originals);
    }

    public Backend Backend { get; }

    public SafetensorsFile Checkpoint { get; }

    public KeyMap Originals { get; }

    public LoraStack Stack { get; }

    public IReadOnlyDictionary<string, Weight> Weights => unet.Weights;

    /// <summary>A LoRA file of these tensors.</summary>
    public LoraFile Write(IEnumerable<TensorContent> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var path = folder.At($"{files.Count}.safetensors");
        SafetensorsWriter.Write(path, tensors, metadata);
        files.Add(LoraFile.Open(path));
        return files[^1];
    }

    /// <summary>Every weight's bytes, hashed.</summary>
    public Dictionary<string, string> Snapshot() => Weights.ToDictionary(pair => pair.Key, pair => Convert.ToHexString(SHA256.HashData(Bytes(pair.Value))));

    /// <summary>A weight's values in the checkpoint's order, [O, I·k·k].</summary>
    public float[] Values(string key)
    {
        var value = Weights[key].Value;
        var values = new float[value.Elements];
        HalfConversion.ToSingle(Bytes(Weights[key]), value.DType, values);
        if (value.Shape.Rank == 2) return values;
        var (outputs, taps, inputs) = (value.Shape[0], value.Shape[1] * value.Shape[2], value.Shape[3]);
        var turned = new float[values.Length];
        for (var o = 0; o < outputs; o++)
            for (var tap = 0; tap < taps; tap++)
                for (var i = 0; i < inputs; i++) turned[(o * inputs + i) * taps + tap] = values[(o * taps + tap) * inputs + i];
        return turned;
    }

    public void Dispose()
    {
        foreach (var file in files) file.Dispose();
        unet.Dispose();
        Checkpoint.Dispose();
        Backend.Dispose();
        folder.Dispose();
    }

    byte[] Bytes(Weight weight)
    {
        var bytes = new byte[weight.Value.Bytes];
        Backend.Download(weight.Value, bytes);
        return bytes;
    }
}

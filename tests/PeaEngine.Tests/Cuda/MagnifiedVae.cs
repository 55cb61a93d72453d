using PeaEngine.Diffusion.Vae;
using PeaEngine.Formats;
using PeaEngine.Tests.Models;

namespace PeaEngine.Tests.Cuda;

/// <summary>
/// A golden VAE whose residual stream is so many times what it was: all that writes to it is, and every norm takes it off again, so that the pictures and the moments are the golden ones. It has what SDXL's VAE has that
/// a small one with random weights has not: activations beyond F16.
/// </summary>
sealed class MagnifiedVae(ITensorSource source, float factor) : ITensorSource
{
    /// <summary>What goes from the stream to the stream: its weights pass the factor on, its biases are to have it.</summary>
    static readonly string[] Within = ["conv_shortcut.", "downsamplers.", "upsamplers."];

    /// <summary>What writes to the stream, or to what is normalised between two convolutions.</summary>
    static readonly string[] Into = ["coder.conv_in.", ".conv1.", ".conv2.", ".to_out.0."];

    public string Path => source.Path;

    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; } = source.Tensors.Values.Select(info => info with { DType = DType.F32 }).ToDictionary(info => info.Name);

    public void Read(string name, long byteOffset, Span<byte> destination)
    {
        var info = source.Tensors[name];
        var stored = new byte[destination.Length / sizeof(float) * info.DType.SizeInBytes()];
        source.Read(name, byteOffset / sizeof(float) * info.DType.SizeInBytes(), stored);
        var values = new float[destination.Length / sizeof(float)];
        HalfConversion.ToSingle(stored, info.DType, values);
        var isFactored = Into.Any(part => name.Contains(part, StringComparison.Ordinal)) || (name.EndsWith(".bias", StringComparison.Ordinal) && Within.Any(part => name.Contains(part, StringComparison.Ordinal)));
        for (var i = 0; i < values.Length && isFactored; i++) values[i] *= factor;
        HalfConversion.FromSingle(values, DType.F32, destination);
    }

    public void Dispose() => source.Dispose();

    /// <summary>Loads a golden VAE so.</summary>
    /// <param name="backend">Where to.</param>
    /// <param name="name">Of which case.</param>
    /// <param name="factor">How many times.</param>
    /// <param name="forceUpcast">What its configuration says of itself.</param>
    public static AutoencoderKL Load(Backend backend, string name, float factor, bool forceUpcast)
    {
        using var magnified = new MagnifiedVae(ModelFiles.Weights("vae", name), factor);
        return AutoencoderKL.Load(backend, ModelFiles.Config("vae", name).With("force_upcast", forceUpcast ? "true"u8 : "false"u8), magnified);
    }
}

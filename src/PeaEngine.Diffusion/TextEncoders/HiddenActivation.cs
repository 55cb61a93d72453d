using PeaEngine.Formats;

namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>transformers' names of activations.</summary>
static class HiddenActivation
{
    /// <summary>The activation that a configuration's <paramref name="key"/> names.</summary>
    /// <exception cref="PeaException">An activation that is not implemented.</exception>
    public static Activation Read(JsonConfig config, string key, string missing) => config.String(key, missing) switch
    {
        "gelu" or "gelu_python" => Activation.Gelu,
        "quick_gelu" => Activation.QuickGelu,
        "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" => Activation.GeluTanh,
        "silu" or "swish" => Activation.Silu,
        _ => throw config.Wrong(key, "gelu, quick_gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, gelu_python, silu or swish"),
    };
}

namespace PeaEngine;

/// <summary>Elementwise functions that ops can fuse, named as transformers' <c>hidden_act</c> names them.</summary>
public enum Activation
{
    /// <summary>x</summary>
    None,
    /// <summary>x · sigmoid(x)</summary>
    Silu,
    /// <summary>x · Φ(x), with the error function.</summary>
    Gelu,
    /// <summary>GELU's tanh approximation (<c>gelu_new</c>, <c>gelu_pytorch_tanh</c>).</summary>
    GeluTanh,
    /// <summary>x · sigmoid(1.702 x)</summary>
    QuickGelu,
}

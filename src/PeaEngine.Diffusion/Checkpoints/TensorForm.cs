namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>What diffusers' tensor is of the tensor in an original file.</summary>
enum TensorForm
{
    /// <summary>The same.</summary>
    Same,

    /// <summary>A 1×1 convolution's [O, I, 1, 1] as a matrix [O, I]; the same where it is neither.</summary>
    Pointwise,

    /// <summary>[I, O] turned to [O, I].</summary>
    Transposed,

    /// <summary>The first third of the rows of <c>in_proj</c>.</summary>
    Query,

    /// <summary>Its second third.</summary>
    Key,

    /// <summary>Its last third.</summary>
    Value,
}

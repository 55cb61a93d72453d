namespace PeaEngine;

public abstract partial class Backend
{
    /// <summary>y = a · (1 − mask) + b · mask, elementwise: a where the mask is 0, b where it is 1.</summary>
    /// <param name="a">F32</param>
    /// <param name="b">F32, as many elements</param>
    /// <param name="mask">F32, as many elements</param>
    /// <param name="y">F32, as many elements; may be any of the others</param>
    public abstract void Blend(Tensor a, Tensor b, Tensor mask, Tensor y);
}

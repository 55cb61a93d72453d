namespace PeaEngine;

public abstract partial class Backend
{
    /// <summary>y = a · (1 − mask) + b · mask, elementwise: a where the mask is 0, b where it is 1.</summary>
    /// <param name="a">T</param>
    /// <param name="b">T, as many elements</param>
    /// <param name="mask">T, as many elements</param>
    /// <param name="y">T, as many elements; may be any of the others</param>
    public abstract void Blend(Tensor a, Tensor b, Tensor mask, Tensor y);
}

namespace PeaEngine;

public abstract partial class Backend
{
    /// <summary>
    /// y[b] = standard normals, as <see cref="Randomness.Philox.Normals"/> draws them from the beginning of (seed, stream, positions[b]): the same bits on every backend. Positions are read from a tensor, so that
    /// work that was recorded draws others each time.
    /// </summary>
    /// <param name="seed">The seed of everything.</param>
    /// <param name="stream">What is drawn.</param>
    /// <param name="positions">[B] U64: for what each row is drawn</param>
    /// <param name="y">[B, ..] F32</param>
    public abstract void Normals(ulong seed, uint stream, Tensor positions, Tensor y);
}

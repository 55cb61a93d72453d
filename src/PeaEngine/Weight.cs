namespace PeaEngine;

/// <summary>
/// A matrix or a convolution of a model: as it was loaded, or a sum of that and of what was added to it (a LoRA, fused or
/// trained), F32 or rounded. A layer asks for <see cref="Value"/> in every pass.
/// </summary>
public sealed class Weight
{
    Tensor? sum;

    internal Weight(string key, Tensor stored) => (Key, Stored, Value) = (key, stored, stored);

    /// <summary>The checkpoint's key.</summary>
    public string Key { get; }

    /// <summary>As it was loaded: [O, I], or a convolution's [O, kh, kw, I]. F32, F16 or BF16.</summary>
    public Tensor Stored { get; }

    /// <summary>What layers multiply by: <see cref="Stored"/>, or the sum.</summary>
    public Tensor Value { get; private set; }

    /// <summary>Puts the sum in the stored tensor's place and gives it to be added to, F32; where there was none, it begins as a copy.</summary>
    /// <exception cref="PeaException">There is no memory for it.</exception>
    public Tensor Widen(Backend backend) => Sum(backend, DType.F32);

    /// <summary>Puts the sum in the stored tensor's place, rounded to a type: products in that type then need not convert it in each pass, and it takes less memory.</summary>
    /// <exception cref="PeaException">There is no memory for it.</exception>
    public void Round(Backend backend, DType dtype) => Sum(backend, dtype);

    /// <summary>Puts the stored tensor, of which not a bit has changed, back in its place; the sum waits to be put there again.</summary>
    public void Narrow() => Value = Stored;

    /// <summary>Puts the stored tensor back in its place and frees the sum.</summary>
    public void Restore()
    {
        Narrow();
        sum?.Storage.Dispose();
        sum = null;
    }

    Tensor Sum(Backend backend, DType dtype)
    {
        ArgumentNullException.ThrowIfNull(backend);
        if (sum?.DType != dtype)
        {
            var converted = new Tensor(backend.Allocate(Stored.Elements * dtype.SizeInBytes()), 0, Stored.Shape, dtype);
            backend.Copy(sum ?? Stored, converted);
            sum?.Storage.Dispose();
            sum = converted;
        }
        return Value = sum.Value;
    }
}

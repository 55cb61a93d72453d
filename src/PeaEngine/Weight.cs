namespace PeaEngine;

/// <summary>
/// A matrix or a convolution of a model: as stored in the checkpoint, or an F32 sum of that and of what was added to it (a LoRA, fused or
/// trained). A layer asks for <see cref="Value"/> in every pass.
/// </summary>
public sealed class Weight
{
    Tensor? sum;

    internal Weight(string key, Tensor stored) => (Key, Stored, Value) = (key, stored, stored);

    /// <summary>The checkpoint's key.</summary>
    public string Key { get; }

    /// <summary>As the checkpoint has it: [O, I], or a convolution's [O, kh, kw, I]. F32, F16 or BF16.</summary>
    public Tensor Stored { get; }

    /// <summary>What layers multiply by: <see cref="Stored"/>, or the sum.</summary>
    public Tensor Value { get; private set; }

    /// <summary>Puts the sum in the stored tensor's place and gives it to be added to; where there was none, it begins as an F32 copy.</summary>
    /// <exception cref="PeaException">There is no memory for it.</exception>
    public Tensor Widen(Backend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        if (sum == null)
        {
            sum = new(backend.Allocate(Stored.Elements * sizeof(float)), 0, Stored.Shape, DType.F32);
            backend.Copy(Stored, sum.Value);
        }
        return Value = sum.Value;
    }

    /// <summary>Puts the stored tensor, of which not a bit has changed, back in its place; the sum waits to be put there again.</summary>
    public void Narrow() => Value = Stored;

    /// <summary>Puts the stored tensor back in its place and frees the sum.</summary>
    public void Restore()
    {
        Narrow();
        sum?.Storage.Dispose();
        sum = null;
    }
}

namespace PeaEngine;

/// <summary>
/// A matrix or a convolution of a model: as stored in the checkpoint, or an F32 sum that stands in for it until it is taken out again
/// (a fused LoRA). A layer asks for <see cref="Value"/> in every pass.
/// </summary>
public sealed class Weight
{
    readonly Tensor stored;
    Storage? sum;

    internal Weight(string key, Tensor stored) => (Key, this.stored, Value) = (key, stored, stored);

    /// <summary>The checkpoint's key.</summary>
    public string Key { get; }

    /// <summary>What layers multiply by: [O, I], or a convolution's [O, kh, kw, I]. F32, F16 or BF16.</summary>
    public Tensor Value { get; private set; }

    /// <summary>Puts an F32 copy in the stored tensor's place, unless one is there, and gives it to be added to.</summary>
    /// <exception cref="PeaException">There is no memory for it.</exception>
    public Tensor Widen(Backend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        if (sum != null) return Value;
        sum = backend.Allocate(stored.Elements * sizeof(float));
        Value = new(sum, 0, stored.Shape, DType.F32);
        backend.Copy(stored, Value);
        return Value;
    }

    /// <summary>Puts the stored tensor, of which not a bit has changed, back in its place and frees the copy.</summary>
    public void Restore()
    {
        Value = stored;
        sum?.Dispose();
        sum = null;
    }
}

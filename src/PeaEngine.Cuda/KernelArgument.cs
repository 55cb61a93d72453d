using System.Runtime.CompilerServices;

namespace PeaEngine.Cuda;

/// <summary>A kernel's argument: an address, an integer or a float, in the first bytes of eight.</summary>
public readonly struct KernelArgument
{
    readonly ulong bits;

    KernelArgument(ulong bits) => this.bits = bits;

    /// <summary>An address of the device; 0 is none.</summary>
    public static implicit operator KernelArgument(nint address) => new((ulong)address);

    /// <summary>A <c>long long</c>.</summary>
    public static implicit operator KernelArgument(long value) => new((ulong)value);

    /// <summary>An <c>int</c>.</summary>
    public static implicit operator KernelArgument(int value) => new((uint)value);

    /// <summary>A <c>float</c>.</summary>
    public static implicit operator KernelArgument(float value) => new(Unsafe.BitCast<float, uint>(value));
}

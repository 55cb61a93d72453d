using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PeaEngine.VirtualGpu.Mutation;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>A special register that a kernel reads.</summary>
enum Special { TidX, TidY, TidZ, NtidX, NtidY, NtidZ, CtaidX, CtaidY, CtaidZ, NctaidX, NctaidY, NctaidZ, Lane, Warp, Warps, LaneMaskEq, LaneMaskLt, LaneMaskLe, LaneMaskGt, LaneMaskGe, Clock, DynamicSharedBytes, SharedBytes }

/// <summary>A kernel, decoded: what a warp executes, and the room that it needs.</summary>
sealed unsafe class Program
{
    /// <summary>The mangled name.</summary>
    public required string Name { get; init; }

    Instr[] code;

    /// <summary>Takes over decoded instructions.</summary>
    public Program(ReadOnlySpan<Instr> decoded) => Load(decoded);

    /// <summary>The decoded instructions.</summary>
    public Instr* Code { get; private set; }

    /// <summary>The count of decoded instructions.</summary>
    public int Length => code.Length;

    /// <summary>The instructions as written, by <see cref="Instr.Index"/>.</summary>
    public required Listing Listing { get; init; }

    /// <summary>Bytes of a warp's registers, immediates and special registers.</summary>
    public required int RegisterBytes { get; init; }

    /// <summary>Predicates of a warp.</summary>
    public required int Predicates { get; init; }

    /// <summary>Registers that hold a number from the start: offset, bits, and whether lanes have eight bytes.</summary>
    public required IReadOnlyList<(int Offset, ulong Bits, bool Wide)> Constants { get; init; }

    /// <summary>Registers that hold a special register.</summary>
    public required IReadOnlyList<(int Offset, Special Special)> Specials { get; init; }

    /// <summary>Places that <c>brx.idx</c> chooses from, by <see cref="Instr.Detail"/>.</summary>
    public required IReadOnlyList<int[]> Tables { get; init; }

    /// <summary>What each <c>cvt</c> asks for, by <see cref="Instr.Mode"/>.</summary>
    public required IReadOnlyList<ConversionMode> Conversions { get; init; }

    /// <summary>Bytes of parameters, and where each begins.</summary>
    public required IReadOnlyList<(int Offset, int Bytes)> Parameters { get; init; }

    /// <summary>Bytes of all parameters.</summary>
    public int ParameterBytes => Parameters.Count == 0 ? 0 : Parameters[^1].Offset + Parameters[^1].Bytes;

    /// <summary>Static shared memory; dynamic shared memory begins after it.</summary>
    public required int SharedBytes { get; init; }

    /// <summary>Local memory of a thread.</summary>
    public required int LocalBytes { get; init; }

    /// <summary>The narrowest access to shared memory, as a power of two.</summary>
    public required int GranuleShift { get; init; }

    /// <summary>Instructions that access shared memory, each of which has a number in <see cref="Instr.Meeting"/>.</summary>
    public required int SharedAccesses { get; init; }

    /// <summary>32-bit registers of a thread, in the assembler's steps of 8: what lives at once, or less where a kernel's launch bounds force it to make do with less.</summary>
    public int Registers => Math.Min((LiveRegisters + 7) / 8 * 8, GpuArchitecture.RegistersPerBlock / Math.Max(256, ((MaxThreads ?? 0) + 31) / 32 * 32) / 8 * 8);

    /// <summary>The most 32-bit registers that live at once.</summary>
    public required int LiveRegisters { get; init; }

    /// <summary>Threads of a block that the kernel was compiled for, or null.</summary>
    public required int? MaxThreads { get; init; }

    /// <summary>Who looks on, or null.</summary>
    public Watch? Watch { get; set; }

    /// <summary>The same program with instructions of its own, which may be changed.</summary>
    public Program Copy()
    {
        var copy = (Program)MemberwiseClone();
        copy.Load(code);
        return copy;
    }

    [MemberNotNull(nameof(code))]
    void Load(ReadOnlySpan<Instr> decoded)
    {
        code = GC.AllocateUninitializedArray<Instr>(decoded.Length, pinned: true);
        decoded.CopyTo(code);
        Code = (Instr*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(code));
    }
}

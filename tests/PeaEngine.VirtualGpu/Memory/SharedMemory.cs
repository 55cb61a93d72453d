using System.Runtime.InteropServices;

namespace PeaEngine.VirtualGpu.Memory;

/// <summary>A block's shared memory, with room for what <see cref="Checks.SharedRaces"/> knows of every granule.</summary>
sealed unsafe class SharedMemory : IDisposable
{
    readonly int capacity, granules;

    /// <summary>Memory of some bytes, watched in granules of 2^<paramref name="granuleShift"/>: the narrowest access of the kernel.</summary>
    public SharedMemory(int bytes, int granuleShift)
    {
        (Bytes, GranuleShift) = (bytes, granuleShift);
        capacity = (bytes + 63) / 64 * 64 + 64;
        // A vector of granules may be read past the last one.
        granules = (capacity >> granuleShift) + 64;
        Data = (byte*)NativeMemory.AlignedAlloc((nuint)capacity, 64);
        Writers = (uint*)NativeMemory.AlignedAlloc((nuint)granules * 3 * sizeof(uint), 64);
        Readers = Writers + granules;
        OtherReaders = Readers + granules;
    }

    public int Bytes { get; }

    public int GranuleShift { get; }

    public byte* Data { get; private set; }

    /// <summary>For each granule who wrote it last; 0 if nobody has.</summary>
    public uint* Writers { get; private set; }

    /// <summary>For each granule who read it last, and who of another warp before.</summary>
    public uint* Readers { get; }

    /// <inheritdoc cref="Readers"/>
    public uint* OtherReaders { get; }

    public int Granules => granules;

    /// <summary>Forgets everything, as for a new block.</summary>
    public void Clear()
    {
        new Span<uint>(Writers, granules * 3).Clear();
        new Span<byte>(Data, capacity).Fill(0xA5);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(Data);
        NativeMemory.AlignedFree(Writers);
        Data = null;
        Writers = null;
    }
}

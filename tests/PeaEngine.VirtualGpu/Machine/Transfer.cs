using System.Runtime.CompilerServices;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>
/// Moves between registers and memory, once every lane's bytes are known to be there. R: the registers; Width: bytes of each; Count: how many.
/// </summary>
static unsafe class Transfer
{
    /// <summary>Bits of <see cref="Instr.Mode"/>: sign extended, registers of eight bytes, registers of two.</summary>
    public const int Signed = 1, Wide = 2, Narrow = 4;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Load(Warp w, Instr* i, byte** from, uint lanes)
    {
        for (var k = 0; k < i->Count; k++)
        {
            if (i->R[k] < 0) continue;
            var at = k * i->Width;
            if ((i->Mode & Wide) != 0)
            {
                var d = w.Lanes<ulong>(i->R[k]);
                for (var mask = lanes; mask != 0; mask &= mask - 1)
                {
                    var lane = Warp.First(mask);
                    d[lane] = i->Width == 8 ? *(ulong*)(from[lane] + at) : Extend(from[lane] + at, i);
                }
            }
            else if (i->Width == 4)
            {
                var d = w.Lanes<uint>(i->R[k]);
                if (lanes == Warp.Full) for (var lane = 0; lane < 32; lane++) d[lane] = *(uint*)(from[lane] + at);
                else for (var mask = lanes; mask != 0; mask &= mask - 1) d[Warp.First(mask)] = *(uint*)(from[Warp.First(mask)] + at);
            }
            else
            {
                var d = w.Lanes<uint>(i->R[k]);
                var keep = (i->Mode & Narrow) != 0 ? ushort.MaxValue : uint.MaxValue;
                for (var mask = lanes; mask != 0; mask &= mask - 1)
                {
                    var lane = Warp.First(mask);
                    d[lane] = (uint)Extend(from[lane] + at, i) & keep;
                }
            }
        }
    }

    static ulong Extend(byte* from, Instr* i) => (i->Width, i->Mode & Signed) switch
    {
        (1, 0) => *from,
        (1, _) => (ulong)*(sbyte*)from,
        (2, 0) => *(ushort*)from,
        (2, _) => (ulong)*(short*)from,
        (_, 0) => *(uint*)from,
        _ => (ulong)*(int*)from,
    };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(Warp w, Instr* i, byte** to, uint lanes)
    {
        for (var k = 0; k < i->Count; k++)
        {
            var at = k * i->Width;
            var wide = (i->Mode & Wide) != 0;
            uint* a = w.Lanes<uint>(i->R[k]);
            for (var mask = lanes; mask != 0; mask &= mask - 1)
            {
                var lane = Warp.First(mask);
                var p = to[lane] + at;
                switch (i->Width)
                {
                    case 1: *p = (byte)a[wide ? 2 * lane : lane]; break;
                    case 2: *(ushort*)p = (ushort)a[wide ? 2 * lane : lane]; break;
                    case 4: *(uint*)p = a[wide ? 2 * lane : lane]; break;
                    default: *(ulong*)p = ((ulong*)a)[lane]; break;
                }
            }
        }
    }
}

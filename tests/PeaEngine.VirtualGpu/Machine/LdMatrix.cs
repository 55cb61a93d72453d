using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>
/// <c>ldmatrix</c>: 8×8 matrices of 16-bit elements, each row at an address of its own: lane l gives that of row l % 8 of matrix l / 8.
/// R: a register a matrix, then the address; Count: how many; Mode: 1 for the transposed.
/// </summary>
static unsafe class LdMatrix
{
    const int RowBytes = 16;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(Warp w, Instr* i)
    {
        if (w.Mask(i) != Warp.Full) throw w.Trap(i, $"ldmatrix in divergent code: only lanes {w.Mask(i):x8} are here");
        var addresses = stackalloc uint[32];
        var places = stackalloc byte*[32];
        var lanes = i->Count == 4 ? Warp.Full : (1u << 8 * i->Count) - 1;
        SharedAccess.Check(w, i, addresses, lanes, RowBytes, places);
        for (var lane = 0; lane < 8 * i->Count; lane++) w.Cta.Races.ReadTogether(w, i, addresses[lane], RowBytes);
        for (var matrix = 0; matrix < i->Count; matrix++)
        {
            var d = w.Lanes<ushort>(i->R[matrix]);
            var rows = places + 8 * matrix;
            if (i->Mode == 0)
                // Four lanes hold a row, two elements each: rows follow each other in the lanes.
                for (var row = 0; row < 8; row++) Vector128.Load((ushort*)rows[row]).Store(d + 8 * row);
            else
                for (var row = 0; row < 8; row++)
                    for (var column = 0; column < 8; column++) d[8 * column + row] = ((ushort*)rows[row])[column];
        }
    }
}

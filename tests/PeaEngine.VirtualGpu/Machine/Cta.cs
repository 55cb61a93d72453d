using System.Runtime.InteropServices;
using PeaEngine.VirtualGpu.Checks;
using PeaEngine.VirtualGpu.Memory;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>
/// A block of threads, and the worker that executes one after the other: registers, shared and local memory are used again. Warps take
/// turns: each runs until it waits at a barrier or ends.
/// </summary>
sealed unsafe class Cta : IDisposable
{
    /// <summary>Generic addresses of shared and of local memory have a bit of their own, far above any allocation.</summary>
    public const ulong SharedWindow = 1ul << 60, LocalWindow = 1ul << 61;

    readonly Warp[] warps;
    readonly byte* registers;
    readonly byte* local;
    readonly int localBytes;

    public Cta(Launch launch)
    {
        (Launch, Program, Memory) = (launch, launch.Program, launch.Memory);
        Shared = new(launch.SharedBytes, Program.GranuleShift);
        Races = new(Shared);
        Banks = new(Program.SharedAccesses);
        warps = new Warp[(launch.Block.Count + 31) / 32];
        for (var k = 0; k < warps.Length; k++) warps[k] = new(this, k);
        var stride = Program.RegisterBytes + (Program.Predicates * sizeof(uint) + 127) / 128 * 128;
        registers = (byte*)NativeMemory.AlignedAlloc((nuint)(Math.Max(stride, 128) * warps.Length), 128);
        localBytes = Program.LocalBytes * 32;
        local = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(2 * localBytes * warps.Length, 64), 64);
        foreach (var warp in warps)
        {
            warp.Registers = registers + (long)stride * warp.Index;
            warp.Predicates = (uint*)(warp.Registers + Program.RegisterBytes);
            warp.Local = local + 2L * localBytes * warp.Index;
            warp.LocalWritten = warp.Local + localBytes;
        }
    }

    public Launch Launch { get; }
    public Program Program { get; }
    public DeviceMemory Memory { get; }
    public SharedMemory Shared { get; }
    public SharedRaces Races { get; }
    public BankConflicts Banks { get; }
    public BlockAccesses Accesses { get; } = new();
    public Counters Counters { get; } = new();

    /// <summary>Which block it is now.</summary>
    public (int X, int Y, int Z) Block { get; private set; }

    /// <summary>Whether any asynchronous copy was begun in this block.</summary>
    public bool CopiesPending { get; set; }

    /// <summary>Traps a write to the source of an asynchronous copy on its way.</summary>
    public void ExpectNoCopy(Warp w, Instr* i, ulong address, int bytes, int lane)
    {
        foreach (var warp in warps)
            if (warp.Copies.Reads(address, bytes)) throw w.Trap(i, $"writes to 0x{address:x}, from which a cp.async of warp {warp.Index} is on its way: expected a wait before", lane);
    }

    /// <summary>Executes one block.</summary>
    public void Run(long block)
    {
        Block = Launch.Grid.At(block);
        Races.Clear();
        CopiesPending = false;
        foreach (var warp in warps)
        {
            new Span<byte>(warp.Registers, Program.RegisterBytes).Fill(0xFF);
            new Span<uint>(warp.Predicates, Program.Predicates).Clear();
            new Span<byte>(warp.LocalWritten, localBytes).Clear();
            foreach (var (offset, bits, wide) in Program.Constants)
                if (wide) new Span<ulong>(warp.Registers + offset, 32).Fill(bits);
                else new Span<uint>(warp.Registers + offset, 32).Fill((uint)bits);
            foreach (var (offset, special) in Program.Specials)
                for (var lane = 0; lane < 32; lane++) ((uint*)(warp.Registers + offset))[lane] = Value(special, warp.Index, lane);
            var lanes = Math.Min(32, Launch.Block.Count - 32 * warp.Index);
            warp.Synchronised = 1;
            warp.Start(lanes == 32 ? Warp.Full : (1u << lanes) - 1);
        }
        for (var barriers = 0; ; barriers++)
        {
            if (barriers > Launch.MostBarriers) throw new TrapException($"{Program.Name}: block {Block}: more than {Launch.MostBarriers} barriers, expected an end");
            foreach (var warp in warps)
                if (warp.State == WarpState.Running) warp.Run(Program, Launch.MostInstructions);
            if (Array.TrueForAll(warps, warp => warp.State == WarpState.Done)) break;
            if (!Barriers.Release(warps, Races)) throw Stuck();
        }
        if (Launch.Races.Join(Accesses) is { } race) throw new TrapException($"{Program.Name}: block {Block}: {race}: expected blocks to use bytes of their own");
    }

    uint Value(Special special, int warp, int lane)
    {
        var thread = Launch.Block.At(warp * 32 + lane);
        return special switch
        {
            Special.TidX => (uint)thread.X,
            Special.TidY => (uint)thread.Y,
            Special.TidZ => (uint)thread.Z,
            Special.NtidX => (uint)Launch.Block.X,
            Special.NtidY => (uint)Launch.Block.Y,
            Special.NtidZ => (uint)Launch.Block.Z,
            Special.CtaidX => (uint)Block.X,
            Special.CtaidY => (uint)Block.Y,
            Special.CtaidZ => (uint)Block.Z,
            Special.NctaidX => (uint)Launch.Grid.X,
            Special.NctaidY => (uint)Launch.Grid.Y,
            Special.NctaidZ => (uint)Launch.Grid.Z,
            Special.Lane => (uint)lane,
            Special.Warp => (uint)warp,
            Special.Warps => (uint)warps.Length,
            Special.LaneMaskEq => 1u << lane,
            Special.LaneMaskLt => (1u << lane) - 1,
            Special.LaneMaskLe => (2u << lane) - 1,
            Special.LaneMaskGt => ~((2u << lane) - 1),
            Special.LaneMaskGe => ~((1u << lane) - 1),
            Special.DynamicSharedBytes => (uint)(Launch.SharedBytes - Program.SharedBytes),
            Special.SharedBytes => (uint)Launch.SharedBytes,
            _ => 0,
        };
    }

    TrapException Stuck()
    {
        var waiting = warps.First(warp => warp.State == WarpState.AtBarrier);
        return Trap(waiting, waiting.Waiting, $"waits for ever: {warps.Count(warp => warp.State == WarpState.AtBarrier)} of {warps.Length} warps wait at different barriers or for more threads than come", -1);
    }

    /// <summary>The error of an instruction, with all that says where.</summary>
    public TrapException Trap(Warp warp, Instr* instr, string message, int lane)
    {
        var who = lane < 0 ? "" : $" lane {lane}";
        return new($"{Program.Name}: {Program.Listing.Describe(instr->Index)}: block {Block} warp {warp.Index}{who}: {message}");
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(registers);
        NativeMemory.AlignedFree(local);
        Shared.Dispose();
        Accesses.Dispose();
    }
}

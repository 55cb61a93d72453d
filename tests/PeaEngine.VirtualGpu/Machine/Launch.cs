using PeaEngine.VirtualGpu.Checks;
using PeaEngine.VirtualGpu.Memory;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>An extent in blocks or threads.</summary>
public readonly record struct Extent(int X, int Y = 1, int Z = 1)
{
    /// <summary>All of it.</summary>
    public int Count => checked(X * Y * Z);

    /// <summary>The place of one, counted along x first.</summary>
    public (int X, int Y, int Z) At(long index) => ((int)(index % X), (int)(index / X % Y), (int)(index / X / Y));
}

/// <summary>One launch of a kernel: shape, arguments and limits.</summary>
sealed unsafe class Launch : IDisposable
{
    public required Program Program { get; init; }
    public required DeviceMemory Memory { get; init; }
    public required Extent Grid { get; init; }
    public required Extent Block { get; init; }

    /// <summary>Shared memory of a block, static and dynamic.</summary>
    public required int SharedBytes { get; init; }

    /// <summary>The parameters' bytes.</summary>
    public required byte[] Parameters { get; init; }

    /// <summary>Instructions that a warp may execute from one barrier to the next.</summary>
    public long MostInstructions { get; init; } = 1L << 26;

    /// <summary>What draws the order in which blocks are begun; with null the first is the first.</summary>
    public int? Order { get; init; }

    /// <summary>Times that the warps of a block may have waited for each other.</summary>
    public int MostBarriers { get; init; } = int.MaxValue;

    /// <summary>Threads that execute blocks at the same time.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;

    public GlobalRaces Races { get; } = new();

    /// <summary>A copy of parameters that does not move.</summary>
    public static byte[] Pin(byte[] parameters)
    {
        var pinned = GC.AllocateArray<byte>(Math.Max(1, parameters.Length), pinned: true);
        parameters.CopyTo(pinned, 0);
        return pinned;
    }

    /// <summary>Executes all blocks.</summary>
    /// <exception cref="TrapException">A kernel did what it must not; of several faults that of the block that was begun first.</exception>
    public Counters Run()
    {
        long next = 0, blocks = (long)Grid.X * Grid.Y * Grid.Z;
        var total = new Counters();
        var order = Order is { } seed ? new BlockOrder(blocks, seed) : (BlockOrder?)null;
        (long Place, Exception Error)? fault = null;
        var gate = new Lock();
        void Work()
        {
            using var cta = new Cta(this);
            for (long place; fault is null && (place = Interlocked.Increment(ref next) - 1) < blocks;)
                try
                {
                    cta.Run(order?[place] ?? place);
                }
                catch (Exception error)
                {
                    lock (gate) if (fault is null || place < fault.Value.Place) fault = (place, error);
                }
            lock (gate) total.Add(cta.Counters);
        }
        var workers = (int)Math.Min(blocks, Workers);
        if (workers == 1) Work();
        else Parallel.For(0, workers, new() { MaxDegreeOfParallelism = workers }, _ => Work());
        if (fault is { } found) throw found.Error is TrapException trap ? new TrapException(trap.Message) : found.Error;
        return total;
    }

    public void Dispose() => Races.Dispose();
}

using PeaEngine.Cuda.Sys;
using PeaEngine.VirtualGpu.Checks;
using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Memory;

namespace PeaEngine.VirtualGpu.Driver;

/// <summary>A kernel that was executed, and what it did.</summary>
/// <param name="Kernel">Its name.</param>
/// <param name="Grid">Blocks.</param>
/// <param name="Block">Threads of a block.</param>
/// <param name="SharedBytes">Dynamic shared memory.</param>
/// <param name="Counters">What was counted.</param>
public sealed record LaunchRecord(string Kernel, Extent Grid, Extent Block, int SharedBytes, Counters Counters)
{
    /// <summary>The type of the factors, where the kernel is a library's product.</summary>
    internal cudaDataType? Factors { get; init; }
}

/// <summary>A kernel that is about to be executed, and all that it is given.</summary>
/// <param name="Module">Whose it is.</param>
/// <param name="Kernel">Its name.</param>
/// <param name="Grid">Blocks.</param>
/// <param name="Block">Threads of a block.</param>
/// <param name="SharedBytes">Dynamic shared memory.</param>
/// <param name="Parameters">Laid out as the kernel declares them.</param>
sealed record KernelCall(ModuleImage Module, string Kernel, Extent Grid, Extent Block, int SharedBytes, byte[] Parameters);

/// <summary>
/// An opened virtual device: every opening has memory, streams and errors of its own. Work is done as late as the rules of streams allow: when
/// somebody waits for it, and of other streams only what an event asks for, so that what nobody waits for is not there yet. <see cref="Hasten"/> is
/// the other extreme.
/// </summary>
public sealed class VirtualContext
{
    /// <summary>Memory of the device: more is not given.</summary>
    public static long MemoryBytes { get; } = 24L << 30;

    [ThreadStatic]
    static VirtualContext? current;

    readonly List<VirtualStream> streams = [];
    readonly List<LaunchRecord> launches = [];
    int ordered;

    internal VirtualContext(GpuArchitecture architecture) => Architecture = architecture;

    /// <summary>The calling thread's.</summary>
    public static VirtualContext? Current
    {
        get => current;
        internal set => current = value;
    }

    /// <summary>The device's.</summary>
    public GpuArchitecture Architecture { get; }

    /// <summary>Device memory.</summary>
    public DeviceMemory Memory { get; } = new();

    /// <summary>The kernels that were executed, in order. Not those that wait in a stream.</summary>
    public IReadOnlyList<LaunchRecord> Launches
    {
        get
        {
            lock (Gate) return [.. launches];
        }
    }

    /// <summary>What draws the order in which each launch begins its blocks, another for every launch; with null the first block is the first.</summary>
    public int? BlockOrder { get; set; } = 1;

    /// <summary>Allocations of device memory so far.</summary>
    public int Allocations { get; internal set; }

    /// <summary>Copies from and to the host so far.</summary>
    public int HostCopies { get; internal set; }

    /// <summary>Told of every kernel before it is executed.</summary>
    internal Action<KernelCall>? Launching { get; set; }

    /// <summary>What every call fails with after a kernel's fault.</summary>
    public string? Fault { get; internal set; }

    /// <summary>Held by every call: the device's work is done by whoever waits.</summary>
    internal object Gate { get; } = new();

    /// <summary>What the driver calls it.</summary>
    internal nint Handle { get; set; }

    /// <summary>Handles of the modules that are loaded.</summary>
    internal HashSet<nint> Modules { get; } = [];

    internal PinnedMemory Pinned { get; } = new();

    /// <summary>Forgets the kernels that were executed.</summary>
    public void ForgetLaunches()
    {
        lock (Gate) launches.Clear();
    }

    /// <summary>From here on, a stream's work is done the moment it is given, before all that waits in others and that no event makes it wait for.</summary>
    /// <param name="stream">Which, counted in the order of their making.</param>
    public void Hasten(int stream)
    {
        lock (Gate) streams[stream].IsHasty = true;
    }

    internal void Add(LaunchRecord launch) => launches.Add(launch);

    /// <summary>The next launch's order.</summary>
    internal int? NextOrder() => BlockOrder is { } seed ? unchecked(seed * 65537 + ordered++) : null;

    internal void Add(VirtualStream stream) => streams.Add(stream);

    internal void Remove(VirtualStream stream) => streams.Remove(stream);

    /// <summary>Spoils the graphs that are captured.</summary>
    internal void BreakCaptures()
    {
        foreach (var stream in streams) if (stream.Capture is { } graph) graph.IsBroken = true;
    }

    /// <summary>Whether the calling thread records a graph, so that nothing may wait.</summary>
    internal bool IsCapturing => streams.Exists(stream => stream.Capture is not null);

    /// <summary>Does all work of all streams.</summary>
    internal void Synchronize()
    {
        foreach (var stream in streams.ToArray()) stream.Run();
    }

    internal void Close()
    {
        Pinned.Dispose();
        Memory.Dispose();
    }
}

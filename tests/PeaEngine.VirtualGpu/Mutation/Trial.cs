using PeaEngine.VirtualGpu.Checks;
using PeaEngine.VirtualGpu.Driver;
using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Memory;

namespace PeaEngine.VirtualGpu.Mutation;

/// <summary>
/// The kernels that something launched one after the other, with the device's memory before the first: they can be executed again, one of them changed, as often as one likes and on several
/// threads at once.
/// </summary>
public sealed class Trial : IDisposable
{
    /// <summary>A warp of a mutant may execute so many times as many instructions as the whole kernel, and so many more, and meet others so often, before it counts as one that never ends.</summary>
    const int Patience = 4, MoreInstructions = 10_000, MostBarriers = 1000;

    readonly List<KernelCall> calls = [];
    readonly List<long> instructions = [];
    readonly Dictionary<string, Watch> watches = [];
    DeviceMemory? before;

    Trial() { }

    /// <summary>The kernels, in order.</summary>
    public IEnumerable<string> Kernels => calls.Select(call => call.Kernel);

    /// <summary>Instructions of all kernels.</summary>
    public long Instructions => instructions.Sum();

    /// <summary>Looks at a memory after the kernels: whether they did what they should.</summary>
    public required Func<DeviceMemory, bool> Check { get; init; }

    /// <summary>Records what a context, in which nothing else happens, executes until something is done.</summary>
    public static Trial Record(VirtualContext context, Action work, Func<DeviceMemory, bool> check)
    {
        var trial = new Trial { Check = check };
        context.ForgetLaunches();
        context.Launching = call =>
        {
            trial.before ??= context.Memory.Copy();
            trial.calls.Add(call);
        };
        try
        {
            work();
        }
        finally
        {
            context.Launching = null;
        }
        trial.instructions.AddRange(context.Launches.Select(launch => launch.Counters.Instructions));
        return trial;
    }

    /// <summary>The device's memory before the first kernel.</summary>
    public DeviceMemory Before => before!;

    /// <summary>Whether the kernels as they are trap, or do what they should not. After it, <see cref="Concerns"/> knows what they came by.</summary>
    public bool NoticesNothing()
    {
        foreach (var call in calls)
            if (!watches.ContainsKey(call.Kernel)) watches.Add(call.Kernel, new(call.Module.Find(call.Kernel)));
        return Notices(kernel => watches[kernel].Program);
    }

    /// <summary>Whether a mutant does anything else than its kernel at any place that they came by.</summary>
    public bool Concerns(Mutant mutant) => watches.TryGetValue(mutant.Kernel, out var watch) && watch.Saw(mutant);

    /// <summary>Whether a mutant in the place of its kernel is noticed: it traps, does not end, or does what it should not.</summary>
    public bool Notices(Mutant mutant)
    {
        var changed = mutant.Apply(calls.Find(call => call.Kernel == mutant.Kernel)!.Module.Find(mutant.Kernel));
        return Notices(kernel => kernel == mutant.Kernel ? changed : null);
    }

    bool Notices(Func<string, Program?> changed)
    {
        using var memory = Before.Copy();
        try
        {
            foreach (var (call, length) in calls.Zip(instructions))
            {
                var program = changed(call.Kernel) ?? call.Module.Find(call.Kernel);
                using var launch = new Launch
                {
                    Program = program,
                    Memory = memory,
                    Grid = call.Grid,
                    Block = call.Block,
                    SharedBytes = program.SharedBytes + call.SharedBytes,
                    Parameters = Launch.Pin(call.Parameters),
                    Workers = 1,
                    MostInstructions = Patience * length + MoreInstructions,
                    MostBarriers = MostBarriers,
                };
                launch.Run();
            }
        }
        catch (TrapException)
        {
            return true;
        }
        return !Check(memory);
    }

    public void Dispose() => before?.Dispose();
}

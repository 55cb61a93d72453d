using PeaEngine.Cuda;

namespace PeaEngine.Perf.Gpu;

/// <summary>Which part of an op's operations and bytes is one launch's, where an op has several.</summary>
static class Traffic
{
    /// <summary>Elements that a thread of the copy converts, and bytes of each: at most four in, two or four out.</summary>
    const int CopyElements = 8, ConvertedBytes = 6;

    /// <summary>The launches of an op with their parts.</summary>
    public static IEnumerable<KernelLaunch> Divide(OpCall call, IReadOnlyList<(string Entry, LaunchShape Shape)> launches)
    {
        var main = launches.Count(launch => !IsAside(launch.Entry));
        return launches.Select(launch => new KernelLaunch(launch.Entry, launch.Shape, launches.Count == 1 ? call : Part(call, launch.Entry, launch.Shape, main)));
    }

    static OpCall Part(in OpCall call, string entry, LaunchShape shape, int main)
    {
        if (entry.StartsWith("copy_", StringComparison.Ordinal)) return call with { Flops = 0, Bytes = (double)shape.Grid.X * shape.Block.X * CopyElements * ConvertedBytes, Length = 0 };
        if (IsAside(entry)) return call with { Flops = 0, Bytes = 0, Length = 0 };
        return entry.Split('_') switch
        {
            // x is read for its moments, chunk by chunk, and read and written when it is normalised.
            ["group", "norm", "moments", ..] => call with { Bytes = call.Bytes / 3, Length = (call.Length + shape.Grid.X - 1) / shape.Grid.X },
            ["group", "norm", "merge", ..] => call with { Bytes = 0, Length = 0 },
            ["group", "norm", "apply", ..] => call with { Bytes = call.Bytes * 2 / 3, Length = 0 },
            _ => call with { Flops = call.Flops / main, Bytes = call.Bytes / main },
        };
    }

    /// <summary>A weight or a bias that is converted for an op, and partial sums that are added: the op's own business, beside what it must compute.</summary>
    static bool IsAside(string entry) => entry.StartsWith("copy_", StringComparison.Ordinal) || entry.StartsWith("sum_parts", StringComparison.Ordinal);
}

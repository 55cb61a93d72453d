using PeaEngine.Cuda;

namespace PeaEngine.Perf.Gpu;

/// <summary>Which part of an op's operations and bytes is one launch's, where an op has several, and what its innermost loop runs over.</summary>
static class Traffic
{
    /// <summary>Elements that a thread of the copy converts, and bytes of each: at most four in, two or four out.</summary>
    const int CopyElements = 8, ConvertedBytes = 6;

    /// <summary>A product's depth at a time, of which the parts of a weight's gradient are multiples.</summary>
    const int DepthStep = 32;

    /// <summary>The launches of an op with their parts.</summary>
    public static IEnumerable<KernelLaunch> Divide(OpCall call, IReadOnlyList<(string Entry, LaunchShape Shape)> launches)
    {
        var main = launches.Count(launch => !IsAside(launch.Entry));
        for (var i = 0; i < launches.Count; i++)
        {
            var (entry, shape) = launches[i];
            yield return new(entry, shape, launches.Count == 1 ? call : Part(call, entry, shape, main, launches.Take(i)));
        }
    }

    static OpCall Part(in OpCall call, string entry, LaunchShape shape, int main, IEnumerable<(string Entry, LaunchShape Shape)> before)
    {
        var (keys, queries) = (call.Length, call.OtherLength);
        // Whole tensors that attention's three kernels read and write: y and dy; q, k, v, dy, dk and dv; q, k, v, dy and dq.
        var attentionBytes = call.Bytes / Math.Max(1.0, 7.0 * queries + 6.0 * keys);
        return entry.Split('_') switch
        {
            ["copy", ..] => call with { Flops = 0, Bytes = (double)shape.Grid.X * shape.Block.X * CopyElements * ConvertedBytes, Length = 0 },
            ["sum", "parts", ..] => Parts(call, shape, Count(before.Last(launch => !IsAside(launch.Entry)))),
            ["squared", "error", "mean"] or ["sum", "squares", "total"] or ["bias", "backward", ..] => call with { Flops = 0, Bytes = 0, Length = 0 },
            // x is read for its moments, chunk by chunk, and read and written when it is normalised.
            ["group", "norm", "moments", ..] => call with { Bytes = call.Bytes / (call.Op == "group_norm" ? 3 : 6), Length = Quotient(call.Length, shape.Grid.X) },
            ["group", "norm", "merge", ..] or ["group", "norm", "backward", "merge", ..] => call with { Bytes = 0, Length = call.OtherLength * before.First().Shape.Grid.X },
            ["group", "norm", "apply", ..] => call with { Bytes = call.Bytes * 2 / 3, Length = 0 },
            ["group", "norm", "backward", "sums", ..] => call with { Bytes = call.Bytes / 3, Length = Quotient(call.Length, shape.Grid.Y) },
            ["group", "norm", "backward", "apply", ..] => call with { Bytes = call.Bytes / 2, Length = 0 },
            [_, "norm", "backward", "statistics", _] => call with { Bytes = call.Bytes / 6 },
            [_, "norm", "backward", "parameters", _] => call with { Bytes = call.Bytes / 3, Length = Quotient(call.OtherLength, shape.Grid.Y) },
            [_, "norm", "backward", _] => call with { Bytes = call.Bytes / 2 },
            ["deltas", _] => call with { Flops = 0, Bytes = attentionBytes * 2 * queries, Length = 0 },
            // Of the definition's five products both sides compute two, the keys' two more and the queries' one.
            [_, "backward", "keys", ..] => call with { Flops = call.Flops * 3 / 5, Bytes = attentionBytes * (2 * queries + 4 * keys), Length = queries },
            [_, "backward", "queries", ..] => call with { Flops = call.Flops * 2 / 5, Bytes = attentionBytes * (3 * queries + 2 * keys) },
            // The parts' sums lie apart.
            [_, "weight", "backward", ..] => call with { Length = Quotient(Quotient(call.Length, shape.Grid.Z), DepthStep) * DepthStep, Bytes = call.Bytes + sizeof(float) * (shape.Grid.Z - 2) * call.Flops / 2 / call.Length },
            ["sum", "tokens", ..] => call with { Length = Quotient(call.Length, shape.Grid.Y) },
            _ => call with { Flops = call.Flops / main, Bytes = call.Bytes / main },
        };
    }

    /// <summary>Each output's parts are read, the output is read and written.</summary>
    static OpCall Parts(in OpCall call, LaunchShape shape, int count) =>
        call with { Flops = 0, Bytes = (double)shape.Grid.X * shape.Grid.Y * shape.Block.X * sizeof(float) * (count + 2), Length = count };

    /// <summary>How many parts a launch leaves.</summary>
    static int Count((string Entry, LaunchShape Shape) launch) => launch.Entry.Split('_') switch
    {
        ["sum", "tokens", ..] or [_, "norm", "backward", "parameters", _] => launch.Shape.Grid.Y,
        _ => launch.Shape.Grid.Z,
    };

    static int Quotient(int count, int size) => (count + size - 1) / size;

    /// <summary>A weight or a bias that is converted for an op, and partial sums that are added: the op's own business, beside what it must compute.</summary>
    static bool IsAside(string entry) => entry.StartsWith("copy_", StringComparison.Ordinal) || entry.StartsWith("sum_parts", StringComparison.Ordinal);
}

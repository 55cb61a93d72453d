using PeaEngine.Backends;
using PeaEngine.Cuda;

namespace PeaEngine.Perf.Gpu;

/// <summary>An op of a model on one shape, timed on a GPU.</summary>
/// <param name="Call">What was asked for.</param>
/// <param name="Calls">How often a run of the model calls it.</param>
/// <param name="Ms">One call.</param>
/// <param name="LibraryMs">The same product by cuBLASLt, where the op is one: a convolution's as if its rows lay in memory.</param>
/// <param name="OwnMs">By our kernel, where <paramref name="Ms"/> is cuBLASLt's.</param>
sealed record TimedOp(OpCall Call, int Calls, Spread Ms, double? LibraryMs, double? OwnMs);

/// <summary>Times each op and shape of a model when it is called first, where it stands: with the model's own tensors, which are random as its weights are.</summary>
sealed class TimedBackend(CudaContext context, CudaBackend inner, GpuClock clock) : ObservedBackend(inner)
{
    readonly Dictionary<(string Op, string Shape), (TimedOp Op, int Calls)> timed = [];

    /// <summary>What was timed, the longest in sum first.</summary>
    public IReadOnlyList<TimedOp> Ops => [.. timed.Values.Select(entry => entry.Op with { Calls = entry.Calls }).OrderByDescending(op => op.Calls * op.Ms.Median)];

    /// <summary>Forgets how often ops were called.</summary>
    public void Forget() => timed.Clear();

    protected override void Observe(in OpCall call, Action run)
    {
        var key = (call.Op, call.Shape);
        if (timed.TryGetValue(key, out var entry))
        {
            run();
            timed[key] = entry with { Calls = entry.Calls + 1 };
            return;
        }
        var ms = clock.Time(run);
        double? library = null, own = null;
        if (call.Columns > 0 && context.Libraries.CuBlasLt.Value != null)
            if (call.Op is "linear" or "linear_backward" or "linear_weight_backward")
            {
                inner.UsesLibrary = false;
                own = clock.Time(run).Median;
                inner.UsesLibrary = true;
                library = ms.Median;
            }
            else
            {
                library = Product((int)(call.Flops / 2 / call.Columns / call.Length), call.Columns, call.Length);
            }
        timed.Add(key, (new(call, 1, ms, library, own), 1));
    }

    /// <summary>A plain product of that size, or null: cuBLASLt does not take it.</summary>
    double? Product(int rows, int columns, int depth)
    {
        if (depth % 8 != 0 || columns % 8 != 0) return null;
        using Storage x = Values(rows, depth), weight = Values(columns, depth), y = inner.Allocate(2L * rows * columns);
        Tensor factors = new(x, 0, [rows, depth], DType.F16), weights = new(weight, 0, [columns, depth], DType.F16), result = new(y, 0, [rows, columns], DType.F16);
        return clock.Time(() => inner.Linear(factors, weights, null, result)).Median;
    }

    Storage Values(int rows, int columns)
    {
        var storage = inner.Allocate(2L * rows * columns);
        var random = new Random(rows);
        var row = new float[columns];
        for (var i = 0; i < rows; i++)
        {
            foreach (ref var value in row.AsSpan()) value = random.NextSingle() - 0.5f;
            inner.Upload(row, new Tensor(storage, 2L * i * columns, [columns], DType.F16));
        }
        return storage;
    }
}

using PeaEngine.Backends;
using PeaEngine.Cuda;

namespace PeaEngine.Perf.Gpu;

/// <summary>A model that was timed on a GPU.</summary>
/// <param name="Model">The model.</param>
/// <param name="Ms">A whole run, launched as a graph where it can be one, else op by op.</param>
/// <param name="Ops">Its ops, timed alone.</param>
sealed record TimedModel(GpuModel Model, Spread Ms, IReadOnlyList<TimedOp> Ops)
{
    /// <summary>Operations of a run.</summary>
    public double Flops => Ops.Sum(op => op.Calls * op.Call.Flops);

    /// <summary>Bytes that a run must read and write.</summary>
    public double Bytes => Ops.Sum(op => op.Calls * op.Call.Bytes);
}

/// <summary>Times models on a device.</summary>
static class GpuSuite
{
    public const int Repeats = 15;

    public static TimedModel Measure(CudaContext context, CudaBackend backend, GpuClock clock, GpuModel model)
    {
        IReadOnlyList<TimedOp> ops;
        var timed = new TimedBackend(context, backend, clock);
        using (var room = new Room(timed, 1))
        {
            var run = model.Work.Set(room);
            timed.Forget();
            run();
            ops = timed.Ops;
        }
        using (var room = new Room(backend, 1))
        {
            var run = model.Work.Set(room);
            if (!model.IsRecorded) return new(model, clock.Time(run), ops);
            using var recording = backend.Record(run);
            // The first run loads kernels, the second records.
            recording.Run();
            recording.Run();
            return new(model, clock.Time(recording.Run), ops);
        }
    }
}

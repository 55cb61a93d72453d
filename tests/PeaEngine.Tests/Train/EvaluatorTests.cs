using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Train.Evaluation;

namespace PeaEngine.Tests.Train;

/// <summary>What goes round the distances.</summary>
public sealed class EvaluatorTests : IDisposable
{
    static readonly string Samples = Path.Combine(Repository.Root, "samples", "emoji");

    readonly TemporaryFolder folder = new();
    readonly Backend backend = Device.Open("cpu", 2);

    public void Dispose()
    {
        backend.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void ADistanceIsTheMeanOfTheTimestepsRatios()
    {
        float[][] teacher = [[1, 2], [0, 0]], none = [[1, 4], [3, 4]];
        Assert.Equal(0, Evaluator.Distance(teacher, teacher, none));
        Assert.Equal(1, Evaluator.Distance(none, teacher, none));
        Assert.Equal((1 / 4.0 + 2 / 25.0) / 2, Evaluator.Distance([[2, 2], [1, -1]], teacher, none), 1e-12);
    }

    [Fact]
    public void SaysHowFarItIsAndCanBeCancelled()
    {
        var reference = EvaluationReference.Load(SmallReference.Write(folder));
        using var pipeline = DiffusionPipeline.Load(Path.Combine(Samples, "teacher"), backend);
        using var adapter = PeaAdapter.Load(Path.Combine(Samples, "reference-adapter.bin"), backend);
        using StudentEncoder student = StudentEncoder.Load(Path.Combine(Samples, "student"), backend), shorter = StudentEncoder.Load(Path.Combine(Samples, "student"), backend, 20);
        var evaluator = new Evaluator(pipeline, reference);
        using var cancellation = new CancellationTokenSource();
        var reports = new Reports(cancellation, stopAfter: 3);

        Assert.Equal("student: 20 tokens, expected the 32 of the reference", Assert.Throws<PeaException>(() => evaluator.Run(adapter, shorter)).Message);
        Assert.Throws<OperationCanceledException>(() => evaluator.Run(adapter, student, null, reports, cancellation.Token));
        Assert.Equal([(2, 24), (4, 24), (8, 24)], reports.Seen);
    }

    sealed class Reports(CancellationTokenSource cancellation, int stopAfter) : IProgress<EvaluationProgress>
    {
        public List<(int Done, int Total)> Seen { get; } = [];

        public void Report(EvaluationProgress value)
        {
            Seen.Add((value.Done, value.Total));
            if (Seen.Count == stopAfter) cancellation.Cancel();
        }
    }
}

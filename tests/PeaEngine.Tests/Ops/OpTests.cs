using PeaEngine.Backends;

namespace PeaEngine.Tests.Ops;

/// <summary>An op on its tensors.</summary>
/// <param name="Run">Calls the op.</param>
/// <param name="Outputs">What the op writes, and what it should write: computed plainly in double precision before the op runs, since the output may be an input.</param>
public sealed record OpRun(Action Run, params (Tensor Tensor, double[] Expected)[] Outputs)
{
    public OpRun(Action run, Tensor output, double[] expected) : this(run, (output, expected)) { }

    /// <summary>The first outputs before they are rounded, where products that are made within the op have factors of a 16-bit type; null where they have not.</summary>
    public Func<DType, double[][]>? Rounded { get; init; }
}

/// <summary>One set of shapes and options of an op.</summary>
/// <param name="Name">Tells the case from the op's others.</param>
/// <param name="Tolerance">The largest error, relative to the largest expected magnitude of the output.</param>
/// <param name="Set">Makes the tensors, on the backend that it is given.</param>
public sealed record OpCase(string Name, double Tolerance, Func<Fenced, OpRun> Set);

/// <summary>The cases of an op.</summary>
public interface IOpCases
{
    static abstract IEnumerable<OpCase> Cases { get; }
}

/// <summary>What every op has to hold in every case, on every instruction set of the processor.</summary>
public abstract class OpTests<TCases> where TCases : IOpCases
{
    public static TheoryData<CpuIsa, string> Data
    {
        get
        {
            var data = new TheoryData<CpuIsa, string>();
            foreach (var isa in SupportedIsas.All)
                foreach (var @case in TCases.Cases) data.Add(isa, @case.Name);
            return data;
        }
    }

    [Theory, MemberData(nameof(Data))]
    public void MatchesTheReferenceWithinItsFences(CpuIsa isa, string name)
    {
        var @case = Case(name);
        using var fenced = new Fenced(new CpuBackend(2, isa));
        var run = @case.Set(fenced);
        run.Run();
        for (var output = 0; output < run.Outputs.Length; output++)
        {
            var (tensor, expected) = run.Outputs[output];
            var actual = Fenced.Read(tensor);
            Assert.Equal(expected.Length, actual.Length);
            var limit = @case.Tolerance * expected.Select(Math.Abs).Where(double.IsFinite).DefaultIfEmpty().Max();
            for (var i = 0; i < actual.Length; i++)
                if (!(Math.Abs(actual[i] - expected[i]) <= limit || actual[i].Equals(expected[i])))
                    Assert.Fail($"output {output}, element {i} of {tensor}: {actual[i]:R}, expected {expected[i]:R} within {limit:R}");
        }
    }

    [Theory, MemberData(nameof(Data))]
    public void GivesTheSameBitsForAnyNumberOfThreads(CpuIsa isa, string name)
    {
        double[][]? first = null;
        foreach (var threads in (int[])[1, 2, 3, 5])
        {
            using var fenced = new Fenced(new CpuBackend(threads, isa));
            var run = Case(name).Set(fenced);
            run.Run();
            double[][] outputs = [.. run.Outputs.Select(output => Fenced.Read(output.Tensor))];
            first ??= outputs;
            Assert.Equal(first, outputs);
        }
    }

    [Theory, MemberData(nameof(Data))]
    public void AllocatesNothing(CpuIsa isa, string name)
    {
        using var fenced = new Fenced(new CpuBackend(1, isa));
        var run = Case(name).Set(fenced);
        run.Run();
        // A collection that another test causes may be charged to this thread; an op that allocates does so every time.
        long allocated = 1;
        for (var attempt = 0; attempt < 5 && allocated != 0; attempt++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            run.Run();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Assert.Equal(0, allocated);
    }

    static OpCase Case(string name) => TCases.Cases.Single(@case => @case.Name == name);
}

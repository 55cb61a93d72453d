using PeaEngine.Backends;

namespace PeaEngine.Tests.Ops;

/// <summary>An op on its tensors.</summary>
/// <param name="Run">Calls the op.</param>
/// <param name="Output">What the op writes.</param>
/// <param name="Expected">What it should write: computed plainly in double precision before the op runs, since the output may be an input.</param>
public sealed record OpRun(Action Run, Tensor Output, double[] Expected);

/// <summary>One set of shapes and options of an op.</summary>
/// <param name="Name">Tells the case from the op's others.</param>
/// <param name="Tolerance">The largest error, relative to the largest expected magnitude.</param>
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
        var actual = Fenced.Read(run.Output);
        Assert.Equal(run.Expected.Length, actual.Length);
        var limit = @case.Tolerance * run.Expected.Select(Math.Abs).Where(double.IsFinite).DefaultIfEmpty().Max();
        for (var i = 0; i < actual.Length; i++)
            if (!(Math.Abs(actual[i] - run.Expected[i]) <= limit || actual[i].Equals(run.Expected[i])))
                Assert.Fail($"element {i} of {run.Output}: {actual[i]:R}, expected {run.Expected[i]:R} within {limit:R}");
    }

    [Theory, MemberData(nameof(Data))]
    public void GivesTheSameBitsForAnyNumberOfThreads(CpuIsa isa, string name)
    {
        double[]? first = null;
        foreach (var threads in (int[])[1, 2, 3, 5])
        {
            using var fenced = new Fenced(new CpuBackend(threads, isa));
            var run = Case(name).Set(fenced);
            run.Run();
            first ??= Fenced.Read(run.Output);
            Assert.Equal(first, Fenced.Read(run.Output));
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

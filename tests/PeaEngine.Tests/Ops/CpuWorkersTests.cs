using PeaEngine.Backends;

namespace PeaEngine.Tests.Ops;

public unsafe class CpuWorkersTests
{
    // More threads than processors, jobs far enough apart that threads fall asleep and near enough that some are still awake.
    [Fact]
    public void EveryItemRunsOnceHoweverTheThreadsSleep()
    {
        const int Items = 37;
        using var workers = new CpuWorkers(Environment.ProcessorCount * 2 + 1);
        var counts = new int[Items];
        fixed (int* p = counts)
            for (var round = 1; round <= 400; round++)
            {
                var job = new CountJob(p);
                workers.Run(ref job, Items);
                Assert.All(counts, count => Assert.Equal(round, count));
                Thread.SpinWait(round * 50);
                if (round % 10 == 0) Thread.Sleep(1);
            }
    }

    [Fact]
    public void AnItemsExceptionReachesTheCallerAndTheThreadsLiveOn()
    {
        using var workers = new CpuWorkers(3);
        for (var round = 0; round < 20; round++)
        {
            var job = new FailingJob();
            Assert.Equal("cpu: item 5", Assert.Throws<PeaException>(() => workers.Run(ref job, 10)).Message);
        }
    }

    readonly struct CountJob(int* counts) : IParallelJob
    {
        readonly int* counts = counts;

        public void Run(int index, int worker) => Interlocked.Increment(ref counts[index]);
    }

    readonly struct FailingJob : IParallelJob
    {
        public void Run(int index, int worker)
        {
            if (index == 5) throw new InvalidOperationException("item 5");
        }
    }
}

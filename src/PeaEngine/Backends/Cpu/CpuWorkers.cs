using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>A job cut into independent items. Which thread runs an item never changes what the item writes.</summary>
interface IParallelJob
{
    /// <summary>Runs one item.</summary>
    /// <param name="index">Which item.</param>
    /// <param name="worker">Which thread, from 0: the index of its workspace.</param>
    void Run(int index, int worker);
}

/// <summary>
/// Threads that live as long as the backend. A job is a struct on the caller's stack, so that running one allocates nothing;
/// workers spin for a short while between jobs, since a step is thousands of them, and then sleep.
/// </summary>
sealed unsafe class CpuWorkers : IDisposable
{
    const int SpinIterations = 2000;

    readonly Thread[] threads;
    readonly object bed = new();
    readonly Lock gate = new();
    void* job;
    delegate*<void*, int, int, void> run;
    int count, next, running, sleeping;
    volatile int generation;
    volatile bool stopping;
    Exception? failure;

    /// <summary>The caller's thread and <paramref name="count"/> − 1 more.</summary>
    public CpuWorkers(int count)
    {
        Count = count;
        threads = new Thread[count - 1];
        for (var i = 0; i < threads.Length; i++)
        {
            var worker = i + 1;
            threads[i] = new Thread(() => Loop(worker)) { IsBackground = true, Name = $"pea cpu {worker}" };
            threads[i].Start();
        }
    }

    /// <summary>How many threads run a job, the caller's included.</summary>
    public int Count { get; }

    /// <summary>Runs all items and returns when the last is done. An exception of an item is thrown here.</summary>
    public void Run<TJob>(ref TJob item, int items) where TJob : struct, IParallelJob
    {
        if (items <= 1 || threads.Length == 0)
        {
            for (var i = 0; i < items; i++) item.Run(i, 0);
            return;
        }
        lock (gate)
        {
            job = Unsafe.AsPointer(ref item);
            run = &Invoke<TJob>;
            count = items;
            next = 0;
            failure = null;
            Volatile.Write(ref running, threads.Length);
            Interlocked.Increment(ref generation);
            Wake();
            Work(0);
            var spinner = new SpinWait();
            while (Volatile.Read(ref running) != 0) spinner.SpinOnce(sleep1Threshold: -1);
            if (failure is { } exception) throw new PeaException($"cpu: {exception.Message}", exception);
        }
    }

    public void Dispose()
    {
        stopping = true;
        Interlocked.Increment(ref generation);
        Wake();
        foreach (var thread in threads) thread.Join();
    }

    static void Invoke<TJob>(void* job, int index, int worker) where TJob : struct, IParallelJob =>
        Unsafe.AsRef<TJob>(job).Run(index, worker);

    void Work(int worker)
    {
        try
        {
            for (int index; (index = Interlocked.Increment(ref next) - 1) < count;) run(job, index, worker);
        }
        catch (Exception e)
        {
            failure = e;
            Volatile.Write(ref next, count);
        }
    }

    // A sleeper announces itself before it looks at the generation for the last time, and the caller looks for sleepers after it
    // has changed the generation: one of the two sees the other. All are woken, for a thread that is early may sleep again at once.
    void Sleep(int seen)
    {
        lock (bed)
        {
            Interlocked.Increment(ref sleeping);
            while (generation == seen) Monitor.Wait(bed);
            Interlocked.Decrement(ref sleeping);
        }
    }

    void Wake()
    {
        if (Volatile.Read(ref sleeping) == 0) return;
        lock (bed) Monitor.PulseAll(bed);
    }

    void Loop(int worker)
    {
        for (var seen = 0; ;)
        {
            for (var spin = 0; generation == seen && spin < SpinIterations; spin++) Thread.SpinWait(8);
            if (generation == seen) Sleep(seen);
            seen = generation;
            if (stopping) return;
            Work(worker);
            Interlocked.Decrement(ref running);
        }
    }
}

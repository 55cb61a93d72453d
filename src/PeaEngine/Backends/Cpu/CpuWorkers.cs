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
/// workers spin for a short while between jobs, since a step is thousands of them, and then sleep. The caller waits for items,
/// not for threads: one that wakes too late finds nothing to do.
/// </summary>
sealed unsafe class CpuWorkers : IDisposable
{
    const int SpinIterations = 2000;

    /// <summary>More items than any job has: with it in the lower half, a ticket offers nothing.</summary>
    const long Closed = int.MaxValue;

    readonly Thread[] threads;
    readonly object bed = new();
    readonly Lock gate = new();
    readonly int spins;
    void* job;
    delegate*<void*, int, int, void> run;
    int count, done, sleeping;
    // The job's number in the upper half, its next item in the lower.
    long ticket = Closed;
    volatile bool stopping;
    volatile Exception? failure;

    /// <summary>The caller's thread and <paramref name="count"/> − 1 more.</summary>
    public CpuWorkers(int count)
    {
        Count = count;
        // Threads that spin while others want their processor only delay them.
        spins = count > Environment.ProcessorCount ? 0 : SpinIterations;
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
            // The last job's ticket is closed by now: whoever still reads the fields will not get an item for them.
            job = Unsafe.AsPointer(ref item);
            run = &Invoke<TJob>;
            count = items;
            done = 0;
            failure = null;
            var number = unchecked((int)(ticket >> 32) + 1);
            Interlocked.Exchange(ref ticket, (long)number << 32);
            Wake();
            Work(0, number);
            var spinner = new SpinWait();
            while (Volatile.Read(ref done) != items) spinner.SpinOnce(sleep1Threshold: -1);
            Interlocked.Exchange(ref ticket, (long)number << 32 | Closed);
            if (failure is { } exception) throw new PeaException($"cpu: {exception.Message}", exception);
        }
    }

    public void Dispose()
    {
        stopping = true;
        Interlocked.Add(ref ticket, 1L << 32);
        Wake();
        foreach (var thread in threads) thread.Join();
    }

    static void Invoke<TJob>(void* job, int index, int worker) where TJob : struct, IParallelJob =>
        Unsafe.AsRef<TJob>(job).Run(index, worker);

    // An item is taken only while the ticket is still that job's, and then the fields are too: they change only once it is closed.
    void Work(int worker, int number)
    {
        for (long seen; (seen = Volatile.Read(ref ticket)) >> 32 == number;)
        {
            var index = (int)seen;
            if (index >= Volatile.Read(ref count)) return;
            if (Interlocked.CompareExchange(ref ticket, seen + 1, seen) != seen) continue;
            try
            {
                run(job, index, worker);
            }
            catch (Exception e)
            {
                failure = e;
            }
            Interlocked.Increment(ref done);
        }
    }

    // A sleeper announces itself before it looks at the ticket for the last time, and the caller looks for sleepers after it
    // has changed the ticket: one of the two sees the other. All are woken, for a thread that is early may sleep again at once.
    void Sleep(int seen)
    {
        lock (bed)
        {
            Interlocked.Increment(ref sleeping);
            while (Volatile.Read(ref ticket) >> 32 == seen) Monitor.Wait(bed);
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
            for (var spin = 0; Volatile.Read(ref ticket) >> 32 == seen && spin < spins; spin++) Thread.SpinWait(8);
            if (Volatile.Read(ref ticket) >> 32 == seen) Sleep(seen);
            seen = (int)(Volatile.Read(ref ticket) >> 32);
            if (stopping) return;
            Work(worker, seen);
        }
    }
}

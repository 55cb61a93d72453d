namespace PeaEngine.Perf;

/// <summary>
/// One op or model on one shape. The rival finds its side by the same name: <c>torch_rival.py</c> has a function called
/// <see cref="Op"/> that takes <see cref="Arguments"/> by name.
/// </summary>
interface IBenchmark
{
    /// <summary>The op's name, in lower case with underscores.</summary>
    string Op { get; }

    /// <summary>The shape, as the rival's function takes it.</summary>
    IReadOnlyList<(string Name, int Value)> Arguments { get; }

    /// <summary>Multiplications and additions of one run; 0 where the memory is what matters.</summary>
    double Flops { get; }

    /// <summary>Bytes that one run has to read and write at least; 0 where the arithmetic is what matters.</summary>
    double Bytes { get; }

    /// <summary>Whether it is run only when a filter is its op's name: it takes much time or disk, and is run once.</summary>
    bool IsOnRequest => false;

    /// <summary>The most memory that a run in a process of its own had; 0 where runs are in this process.</summary>
    long PeakBytes => 0;

    /// <summary>Makes the tensors, and gives what is measured: one run, which the backend has finished when it returns.</summary>
    Action Set(Room room);
}

namespace PeaEngine.Cuda;

/// <summary>CUDA that is not there, or a call to it that failed.</summary>
public class CudaException : PeaException
{
    /// <summary>Something of CUDA is missing or not as expected.</summary>
    public CudaException(string message) : base(message) { }

    /// <summary>A call that failed.</summary>
    /// <param name="call">The function, in NVIDIA's words.</param>
    /// <param name="problem">The error's name and the library's text.</param>
    /// <param name="op">The engine's op that it was called for, or null.</param>
    /// <param name="shape">The shape that the op works on, empty where it has none.</param>
    /// <param name="hint">What to do about it, or null.</param>
    public CudaException(string call, string problem, string? op = null, IReadOnlyList<long>? shape = null, string? hint = null)
        : base($"{(op == null ? "" : shape is { Count: > 0 } ? $"{op} [{string.Join(',', shape)}]: " : $"{op}: ")}{call}: {problem}{(hint == null ? "" : $"; {hint}")}") =>
        (Call, Problem, Op, Shape) = (call, problem, op, shape ?? []);

    /// <summary>The function that failed, in NVIDIA's words, or null.</summary>
    public string? Call { get; }

    /// <summary>The error's name and the library's text, or null.</summary>
    public string? Problem { get; }

    /// <summary>The engine's op that it was called for, or null.</summary>
    public string? Op { get; }

    /// <summary>The shape that the op works on, empty where it has none.</summary>
    public IReadOnlyList<long> Shape { get; } = [];
}

namespace PeaEngine.Backends;

/// <summary>
/// The default backend, and the oracle of the others: kernels in C# intrinsics. Results are the same bits for any number of threads.
/// </summary>
public sealed unsafe partial class CpuBackend : Backend
{
    readonly CpuWorkers workers;
    readonly CpuWorkspace[] workspaces;

    /// <summary>A backend with its own threads.</summary>
    /// <param name="threads">How many; 0 for one a processor.</param>
    /// <param name="isa">Which instructions; by default the widest there are, see <see cref="CpuIsas.Choose"/>.</param>
    /// <exception cref="PeaException">A negative number of threads, or instructions this processor lacks.</exception>
    public CpuBackend(int threads = 0, CpuIsa? isa = null)
    {
        if (threads is < 0 or > 1024) throw new PeaException($"threads: {threads}, expected 0 (one a processor) to 1024");
        Isa = isa ?? CpuIsas.Choose();
        if (!Isa.IsSupported()) throw new PeaException($"cpu: this processor lacks {Isa}");
        workers = new CpuWorkers(threads == 0 ? Environment.ProcessorCount : threads);
        workspaces = new CpuWorkspace[workers.Count];
        for (var i = 0; i < workspaces.Length; i++) workspaces[i] = new CpuWorkspace();
    }

    /// <inheritdoc/>
    public override string Name => "cpu";

    /// <summary>The number of threads.</summary>
    public int Threads => workers.Count;

    /// <summary>The instructions in use.</summary>
    public CpuIsa Isa { get; }

    /// <inheritdoc/>
    public override Storage Allocate(long bytes) => new CpuStorage(bytes);

    /// <inheritdoc/>
    public override void Upload(ReadOnlySpan<byte> source, Tensor destination, long byteOffset = 0)
    {
        CheckRange(destination, byteOffset, source.Length);
        source.CopyTo(new Span<byte>((byte*)destination.Address + byteOffset, source.Length));
    }

    /// <inheritdoc/>
    public override void Download(Tensor source, Span<byte> destination)
    {
        CheckRange(source, 0, destination.Length);
        new ReadOnlySpan<byte>((void*)source.Address, destination.Length).CopyTo(destination);
    }

    /// <inheritdoc/>
    public override void Clear(Tensor tensor)
    {
        const int Piece = 1 << 30;
        for (long at = 0; at < tensor.Bytes; at += Piece) new Span<byte>((void*)(tensor.Address + (nint)at), (int)Math.Min(Piece, tensor.Bytes - at)).Clear();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        workers.Dispose();
        foreach (var workspace in workspaces) workspace.Dispose();
        transformedInputs.Dispose();
    }
}

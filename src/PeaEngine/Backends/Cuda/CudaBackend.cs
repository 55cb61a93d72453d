using PeaEngine.Cuda;

namespace PeaEngine.Backends;

/// <summary>
/// Ops on a device of NVIDIA's by our own kernels. Work is given to one stream and done in its order, copies to another, whose place in that order events keep; only
/// <see cref="Download"/> waits. A weight of another type than the activations of a call is converted in that call; sums and statistics are F32. The same bits come out on any number
/// of multiprocessors, but for products by cuBLASLt, which are the same bits on the same device with the same library.
/// </summary>
public sealed partial class CudaBackend : Backend
{
    /// <summary>Threads of a block of an elementwise kernel.</summary>
    const int Threads = 256;

    readonly CudaContext context;
    readonly CudaStream stream;
    readonly Staging staging;
    readonly KernelCache cache;
    readonly Dictionary<string, CudaModule> modules = [];
    readonly Dictionary<EntryName, CudaKernel> kernels = [];

    /// <summary>A backend on an open device, which becomes the backend's.</summary>
    /// <param name="context">The device.</param>
    /// <param name="activations">F32, F16 or BF16.</param>
    /// <param name="cache">Where compiled kernels are kept; by default the user's.</param>
    /// <exception cref="PeaException">Another type of activations.</exception>
    public CudaBackend(CudaContext context, DType activations = DType.F32, KernelCache? cache = null)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (!activations.IsWeight()) throw Activations(activations);
        (this.context, ActivationType) = (context, activations);
        this.cache = cache ?? new(context.Libraries.Compiler);
        stream = new(context);
        staging = new(stream);
    }

    /// <inheritdoc/>
    public override string Name => $"cuda:{context.Device.Ordinal}";

    /// <inheritdoc/>
    public override DType ActivationType { get; }

    /// <summary>Where the work goes, for those who time it.</summary>
    internal CudaStream Stream => stream;

    /// <summary>Whether cuBLASLt computes what it can. Our own kernels, which compute the rest, can be had for all.</summary>
    internal bool UsesLibrary { get; set; } = true;

    /// <inheritdoc/>
    public override Storage Allocate(long bytes) => new CudaStorage(stream.Allocate(Math.Max(bytes, 1)), bytes);

    /// <inheritdoc/>
    public override void Upload(ReadOnlySpan<byte> source, Tensor destination, long byteOffset = 0)
    {
        CheckRange(destination, byteOffset, source.Length);
        Begin("upload", destination);
        staging.Upload(source, destination.Address + (nint)byteOffset);
    }

    /// <inheritdoc/>
    public override void Download(Tensor source, Span<byte> destination)
    {
        CheckRange(source, 0, destination.Length);
        Begin("download", source);
        staging.Download(source.Address, destination);
    }

    /// <inheritdoc/>
    public override void Clear(Tensor tensor)
    {
        Begin("clear", tensor);
        stream.Fill(tensor.Address, 0, tensor.Bytes);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        staging.Dispose();
        context.Dispose();
    }

    /// <summary>Gives a kernel to the stream.</summary>
    /// <param name="program">The file's name in <c>kernels/</c>, without <c>.cu</c>; errors call the op so.</param>
    /// <param name="entry">The kernel's name.</param>
    /// <param name="y">What it writes, for errors.</param>
    /// <param name="shape">Blocks, threads and shared memory.</param>
    /// <param name="arguments">Its arguments.</param>
    void Launch(string program, EntryName entry, Tensor y, LaunchShape shape, params ReadOnlySpan<KernelArgument> arguments)
    {
        if (y.Elements == 0)
        {
            tuner?.Skip();
            return;
        }
        Begin(program, y);
        if (!kernels.TryGetValue(entry, out var kernel)) kernels.Add(entry, kernel = Load(program, entry));
        tuner?.BeforeLaunch();
        kernel.Launch(stream, shape, arguments);
        tuner?.AfterLaunch();
    }

    CudaKernel Load(string program, EntryName entry)
    {
        if (stream.IsCapturing) throw stream.InGraph($"kernel {entry} is loaded");
        if (!modules.TryGetValue(program, out var module)) modules.Add(program, module = new(context, cache.Get(KernelSources.Get(program), context.Target), program));
        return module.Kernel(entry.ToString());
    }

    /// <summary>What errors name from here on.</summary>
    void Begin(string op, Tensor y)
    {
        Span<long> extents = stackalloc long[Shape.MaxRank];
        for (var i = 0; i < y.Shape.Rank; i++) extents[i] = y.Shape[i];
        context.Begin(op, extents[..y.Shape.Rank]);
    }

    /// <summary>What the names of kernels for a type end with.</summary>
    static string Suffix(DType dtype) => dtype switch
    {
        DType.F32 => "f32",
        DType.F16 => "f16",
        DType.BF16 => "bf16",
        _ => throw Activations(dtype),
    };

    static PeaException Activations(DType dtype) => new($"cuda: activations of {dtype}, expected F32, F16 or BF16");

    /// <summary>Begins an op. Its kernels read and write one type.</summary>
    void CheckTypes(string op, Tensor y, params ReadOnlySpan<Tensor?> others)
    {
        Begin(op, y);
        foreach (var other in others)
            if (other is { } tensor && tensor.DType != y.DType) throw new PeaException($"{op}: {tensor} beside {y}, expected one type");
    }

    /// <summary>What kernels read or write as F32, whatever activations are.</summary>
    static void CheckSingle(string op, params ReadOnlySpan<Tensor?> tensors) => CheckType(op, DType.F32, tensors);

    /// <summary>What kernels read or write as F64.</summary>
    static void CheckDouble(string op, params ReadOnlySpan<Tensor?> tensors) => CheckType(op, DType.F64, tensors);

    static void CheckType(string op, DType type, ReadOnlySpan<Tensor?> tensors)
    {
        foreach (var each in tensors)
            if (each is { } tensor && tensor.DType != type) throw new PeaException($"{op}: {tensor}, expected {type}");
    }

    /// <summary>Whether vectors can be read from and written to all of the tensors (<c>vector.cuh</c>).</summary>
    static bool Aligned(params ReadOnlySpan<Tensor> tensors)
    {
        foreach (var tensor in tensors)
            if (tensor.Address % VectorBytes != 0) return false;
        return true;
    }

    /// <summary>The address of an optional argument, 0 for none.</summary>
    static nint Address(Tensor? tensor) => tensor?.Address ?? 0;

    static int Blocks(long count, int size) => checked((int)((count + size - 1) / size));

    /// <summary>A kernel's name, of up to three parts with underscores between them: a launch composes no string.</summary>
    readonly record struct EntryName(string Op, string First = "", string Second = "")
    {
        public override string ToString() => string.Join('_', new[] { Op, First, Second }.Where(part => part.Length > 0));
    }

    sealed class CudaStorage(DeviceBuffer buffer, long bytes) : Storage(buffer.Address, bytes)
    {
        public override bool IsHost => false;

        protected override void Free() => buffer.Dispose();
    }
}

using PeaEngine.Cuda;

namespace PeaEngine.Backends;

/// <summary>Forms of launches that several kernels have, and memory for what passes between two of them.</summary>
public sealed partial class CudaBackend
{
    const int VectorBytes = 16, RowLanes = 32, RowWarps = 4;

    readonly List<DeviceBuffer> workspaces = [];

    /// <summary>What a thread reads at once (<c>vector.cuh</c>).</summary>
    static int VectorElements(DType dtype) => VectorBytes / dtype.SizeInBytes();

    /// <summary>Bits of an element, as kernels are named that only move elements.</summary>
    static string Bits(DType dtype) => dtype.SizeInBytes() switch
    {
        2 => "16",
        4 => "32",
        _ => throw new PeaException($"cuda: elements of {dtype}, expected 16 or 32 bits"),
    };

    /// <summary>A thread a vector.</summary>
    static LaunchShape Vectors(Tensor y) => new(Blocks(y.Elements, Threads * VectorElements(y.DType)), Threads);

    /// <summary>A warp a row (<c>rows.cuh</c>).</summary>
    static LaunchShape Rows(Tensor y) => new(Blocks(y.Shape.Rows, RowWarps), new Extents(RowLanes, RowWarps));

    /// <summary>The address of a weight in the type of the activations: its own, or that of a copy in the workspace, made in each call.</summary>
    nint Converted(Tensor weight, DType type)
    {
        if (weight.DType == type) return weight.Address;
        var copy = Workspace(weight.Elements * type.SizeInBytes());
        Convert(weight, copy, type);
        return copy;
    }

    /// <summary>
    /// The addresses of a weight and its bias in one type. cuBLASLt adds a bias of its result's type only, and ours are F32. A copy in each call costs a launch over a row; one that is kept would have to be
    /// made again whenever somebody writes to the bias, trains it or frees it, and a recorded graph would not see that.
    /// </summary>
    (nint Weight, nint Bias) Converted(Tensor weight, Tensor? bias, DType type)
    {
        if (bias is not { } added || added.DType == type) return (Converted(weight, type), Address(bias));
        var weightBytes = weight.DType == type ? 0 : Arena.Align(weight.Elements * type.SizeInBytes());
        var copies = Workspace(weightBytes + added.Elements * type.SizeInBytes());
        if (weightBytes > 0) Convert(weight, copies, type);
        Convert(added, copies + (nint)weightBytes, type);
        return (weightBytes > 0 ? copies : weight.Address, copies + (nint)weightBytes);
    }

    /// <summary>
    /// Memory for one op, contents undefined; the next op may have it. Where more is asked for than ever before, the old is kept all the same, since a recorded graph may use it.
    /// </summary>
    nint Workspace(long bytes)
    {
        if (workspaces.Count == 0 || workspaces[^1].Bytes < bytes) workspaces.Add(stream.Allocate(Math.Max(bytes, 2 * (workspaces.Count == 0 ? 0 : workspaces[^1].Bytes))));
        return workspaces[^1].Address;
    }
}

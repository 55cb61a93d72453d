using System.Runtime.InteropServices;
using PeaEngine.Cuda;

namespace PeaEngine.Tests.Cuda;

/// <summary>Streams, memory, kernels and graphs on whichever device <c>PEA_CUDA</c> names: the virtual one must do what a real one does.</summary>
public class CudaDeviceTests
{
    const string Scale = """extern "C" __global__ void scale(float* x, float by, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) x[i] *= by; }""";

    static readonly float[] Numbers = [.. Enumerable.Range(0, 64).Select(k => k - 3f)];

    static CudaModule Load(CudaContext context) => new(context, context.Libraries.Compiler.Compile(new("scale", Scale, new Dictionary<string, string>(), []), context.Target).Code, "scale");

    static void Upload(CudaStream stream, float[] values, nint address)
    {
        using var staging = new Staging(stream, 100);
        staging.Upload(MemoryMarshal.AsBytes(values.AsSpan()), address);
    }

    static float[] Download(CudaStream stream, nint address)
    {
        var values = new float[Numbers.Length];
        using var staging = new Staging(stream, 100);
        staging.Download(address, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    [NvrtcFact]
    public void WorkIsDoneInItsOrder()
    {
        using var context = CudaTestDevice.Open();
        var stream = new CudaStream(context);
        var kernel = Load(context).Kernel("scale");
        using var x = stream.Allocate(64 * 4);
        Upload(stream, Numbers, x.Address);
        kernel.Launch(stream, new(2, 32), x.Address, 2f, 64);
        stream.Fill(x.Address, 0, 8);
        kernel.Launch(stream, new(2, 32), x.Address, 0.5f, 50);
        Assert.Equal(Numbers.Select((v, k) => k < 2 ? 0 : k < 50 ? v : 2 * v), Download(stream, x.Address));
    }

    [NvrtcFact]
    public void AnEventOrdersStreams()
    {
        using var context = CudaTestDevice.Open();
        var (copies, compute) = (new CudaStream(context), new CudaStream(context));
        var kernel = Load(context).Kernel("scale");
        var x = copies.Allocate(64 * 4);
        using var arrived = new CudaEvent(context);
        Upload(copies, Numbers, x.Address);
        copies.Record(arrived);
        compute.Wait(arrived);
        kernel.Launch(compute, new(2, 32), x.Address, 3f, 64);
        Assert.Equal(Numbers.Select(v => 3 * v), Download(compute, x.Address));
    }

    [NvrtcFact]
    public void AGraphReplaysOnWhateverLiesThere()
    {
        using var context = CudaTestDevice.Open();
        var stream = new CudaStream(context);
        var kernel = Load(context).Kernel("scale");
        using var x = stream.Allocate(64 * 4);
        using var y = stream.Allocate(64 * 4);
        var graph = stream.Capture(() =>
        {
            stream.Copy(x.Address, y.Address, 256);
            kernel.Launch(stream, new(2, 32), y.Address, 3f, 64);
        });
        foreach (var times in new[] { 1, 5 })
        {
            Upload(stream, [.. Numbers.Select(v => v * times)], x.Address);
            graph.Launch(stream);
            Assert.Equal(Numbers.Select(v => v * times * 3), Download(stream, y.Address));
        }
    }
}

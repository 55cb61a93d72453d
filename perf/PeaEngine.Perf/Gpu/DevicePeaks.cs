using PeaEngine.Backends;
using PeaEngine.Cuda;

namespace PeaEngine.Perf.Gpu;

/// <summary>What a device does when nothing else is asked of it: the most that any kernel could reach.</summary>
/// <param name="Flops">Operations a second of <c>mma.sync</c> on registers, in F16 with sums in F32.</param>
/// <param name="Bandwidth">Bytes a second, read and written, of a copy within its memory.</param>
sealed record DevicePeaks(double Flops, double Bandwidth)
{
    /// <summary>Warps of a block and blocks of a multiprocessor, independent chains of a warp, and operations of one instruction.</summary>
    const int Warps = 8, BlocksEach = 2, Chains = 8;

    const double MmaFlops = 2 * 16 * 8 * 16;

    const string Source = """
        extern "C" __global__ void __launch_bounds__(256) peak(float* y, int steps)
        {
            float d[8][4] = {};
            unsigned a = threadIdx.x, b = threadIdx.x * 3;
            for (int step = 0; step < steps; step++)
        #pragma unroll
                for (int i = 0; i < 8; i++)
                    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %4, %4, %4}, {%5, %5}, {%0, %1, %2, %3};"
                        : "+f"(d[i][0]), "+f"(d[i][1]), "+f"(d[i][2]), "+f"(d[i][3]) : "r"(a), "r"(b));
            float sum = 0;
        #pragma unroll
            for (int i = 0; i < 8; i++) sum += d[i][0] + d[i][1] + d[i][2] + d[i][3];
            y[blockIdx.x * 256 + threadIdx.x] = sum;
        }
        """;

    /// <summary>Measures both.</summary>
    /// <param name="context">The device.</param>
    /// <param name="backend">Whose stream is timed.</param>
    /// <param name="clock">Its clock.</param>
    /// <param name="steps">Of the loop of products.</param>
    /// <param name="copyBytes">What is copied.</param>
    public static DevicePeaks Measure(CudaContext context, CudaBackend backend, GpuClock clock, int steps = 1 << 16, long copyBytes = 1L << 29)
    {
        var stream = backend.Stream;
        int blocks = context.Device.Multiprocessors * BlocksEach, threads = Warps * 32;
        var code = context.Libraries.Compiler.Compile(new("peak", Source, new Dictionary<string, string>(), []), context.Target).Code;
        using var module = new CudaModule(context, code, "peak");
        using DeviceBuffer results = stream.Allocate((long)blocks * threads * sizeof(float)), from = stream.Allocate(copyBytes), to = stream.Allocate(copyBytes);
        var kernel = module.Kernel("peak");
        var products = clock.Time(() => kernel.Launch(stream, new(blocks, threads), results.Address, steps));
        stream.Fill(from.Address, 1, copyBytes);
        var copy = clock.Time(() => stream.Copy(from.Address, to.Address, copyBytes));
        return new((double)blocks * Warps * steps * Chains * MmaFlops / (products.Least * 1e-3), 2.0 * copyBytes / (copy.Least * 1e-3));
    }
}

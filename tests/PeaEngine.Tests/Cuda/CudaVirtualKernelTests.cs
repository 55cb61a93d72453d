namespace PeaEngine.Tests.Cuda;

/// <summary>Programs that the real NVRTC compiles do on the virtual GPU what C++ says.</summary>
public class CudaVirtualKernelTests
{
    static float[] Numbers(int count, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 4 - 2))];
    }

    [VirtualFact]
    public void VectorsAreAdded()
    {
        using var gpu = VirtualKernels.Compile("""
            extern "C" __global__ void add(const float* a, const float* b, float* c, int n)
            {
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                if (i < n) c[i] = a[i] + b[i];
            }
            """);
        var (a, b) = (Numbers(1000), Numbers(1000, 2));
        var c = gpu.Room<float>(1000);
        var counters = gpu.Run("add", new(8), new(128), gpu.New(a), gpu.New(b), c, 1000);
        Assert.Equal(a.Zip(b, (x, y) => x + y), gpu.Read<float>(c, 1000));
        // 31 whole warps and one of 8 lanes, which parts; 125 sectors for each of the three.
        Assert.Equal(1, counters.DivergentBranches);
        Assert.Equal(375, counters.GlobalSectors);
        Assert.Equal(1, counters.SectorsPerIdeal);
    }

    [VirtualTheory, InlineData(32), InlineData(256), InlineData(1024)]
    public void ABlockSumsByShufflesAndSharedMemory(int threads)
    {
        using var gpu = VirtualKernels.Compile("""
            extern "C" __global__ void sum(const float* x, float* y, int n)
            {
                __shared__ float parts[32];
                float t = 0;
                for (int i = threadIdx.x; i < n; i += blockDim.x) t += x[blockIdx.x * n + i];
                for (int o = 16; o; o >>= 1) t += __shfl_xor_sync(~0u, t, o);
                if ((threadIdx.x & 31) == 0) parts[threadIdx.x >> 5] = t;
                __syncthreads();
                if (threadIdx.x < 32)
                {
                    t = threadIdx.x < blockDim.x / 32 ? parts[threadIdx.x] : 0.f;
                    for (int o = 16; o; o >>= 1) t += __shfl_down_sync(~0u, t, o);
                    if (!threadIdx.x) y[blockIdx.x] = t;
                }
            }
            """);
        var x = Numbers(3 * 777);
        var y = gpu.Room<float>(3);
        gpu.Run("sum", new(3), new(threads), gpu.New(x), y, 777);
        var sums = gpu.Read<float>(y, 3);
        for (var k = 0; k < 3; k++) Assert.Equal(x[(777 * k)..(777 * (k + 1))].Sum(v => (double)v), sums[k], 1e-3);
    }

    [VirtualTheory, InlineData(32, 31 * 8), InlineData(33, 0)]
    public void ATileIsTransposed(int pitch, int conflictsOfAWarp)
    {
        using var gpu = VirtualKernels.Compile($$"""
            extern "C" __global__ void transpose(const float* x, float* y, int rows, int columns)
            {
                __shared__ float tile[32 * {{pitch}}];
                int c = blockIdx.x * 32 + threadIdx.x, r = blockIdx.y * 32 + threadIdx.y;
                for (int k = 0; k < 32; k += 4) if (c < columns && r + k < rows) tile[(threadIdx.y + k) * {{pitch}} + threadIdx.x] = x[(r + k) * columns + c];
                __syncthreads();
                c = blockIdx.y * 32 + threadIdx.x; r = blockIdx.x * 32 + threadIdx.y;
                for (int k = 0; k < 32; k += 4) if (c < rows && r + k < columns) y[(r + k) * rows + c] = tile[threadIdx.x * {{pitch}} + threadIdx.y + k];
            }
            """);
        var x = Numbers(64 * 96);
        var y = gpu.Room<float>(64 * 96);
        var counters = gpu.Run("transpose", new(3, 2), new(32, 4), gpu.New(x), y, 64, 96);
        var result = gpu.Read<float>(y, 64 * 96);
        for (var r = 0; r < 64; r++)
            for (var c = 0; c < 96; c++) Assert.Equal(x[r * 96 + c], result[c * 64 + r]);
        Assert.Equal(6 * 4 * conflictsOfAWarp, counters.SharedConflicts);
    }

    [VirtualFact]
    public void LanesPartAndMeetAgain()
    {
        using var gpu = VirtualKernels.Compile("""
            extern "C" __global__ void part(const int* x, int* y)
            {
                int i = threadIdx.x, v = x[i], steps = 0;
                while (v != 1) { v = v & 1 ? 3 * v + 1 : v / 2; if (++steps > 60) break; }
                switch (i % 7) { case 0: steps += 1; break; case 1: steps *= 3; break; case 2: steps -= v; break; case 3: steps ^= 5; break; case 4: steps = -steps; break; case 5: steps <<= 2; break; }
                y[i] = steps + __popc(__ballot_sync(~0u, steps & 1));
            }
            """);
        int[] x = [.. Enumerable.Range(1, 64)], expected = new int[64];
        for (var i = 0; i < 64; i++)
        {
            int v = x[i], steps = 0;
            while (v != 1)
            {
                v = (v & 1) != 0 ? 3 * v + 1 : v / 2;
                if (++steps > 60) break;
            }
            expected[i] = (i % 7) switch { 0 => steps + 1, 1 => steps * 3, 2 => steps - v, 3 => steps ^ 5, 4 => -steps, 5 => steps << 2, _ => steps };
        }
        var odd = new[] { expected[..32].Count(s => (s & 1) != 0), expected[32..].Count(s => (s & 1) != 0) };
        var y = gpu.Room<int>(64);
        gpu.Run("part", new(1), new(64), gpu.New(x), y);
        Assert.Equal(expected.Select((s, i) => s + odd[i / 32]), gpu.Read<int>(y, 64));
    }

    [VirtualFact]
    public void FunctionsAreCalledAndLocalArraysIndexed()
    {
        using var gpu = VirtualKernels.Compile("""
            __constant__ float table[4] = {1.5f, -2.f, 3.25f, 4.f};
            __device__ int calls;
            __device__ __noinline__ float power(float x, int n) { atomicAdd(&calls, 1); float r = 1; for (int i = 0; i < n; i++) r *= x; return r; }
            extern "C" __global__ void run(const float* x, float* y, int n)
            {
                float values[16];
                for (int k = 0; k < 16; k++) values[k] = x[threadIdx.x] + k * table[k & 3];
                y[threadIdx.x] = power(values[(threadIdx.x * 7 + n) & 15], n) + power(2.f, 3);
                if (threadIdx.x == 0) __threadfence();
            }
            extern "C" __global__ void count(int* y) { y[0] = calls; }
            """);
        var x = Numbers(64);
        var (y, calls) = (gpu.Room<float>(64), gpu.Room<int>(1));
        gpu.Run("run", new(1), new(64), gpu.New(x), y, 3);
        float[] table = [1.5f, -2, 3.25f, 4];
        var result = gpu.Read<float>(y, 64);
        for (var i = 0; i < 64; i++)
        {
            var k = (i * 7 + 3) & 15;
            var value = MathF.FusedMultiplyAdd(k, table[k & 3], x[i]);
            Assert.Equal(value * value * value + 8, result[i]);
        }
        gpu.Run("count", new(1), new(1), calls);
        Assert.Equal(128, gpu.Read<int>(calls, 1)[0]);
    }

    [VirtualFact]
    public void MathIsThatOfTheLibrary()
    {
        using var gpu = VirtualKernels.Compile("""
            extern "C" __global__ void math(const float* x, float* y)
            {
                float v = x[threadIdx.x]; float* r = y + threadIdx.x * 16;
                r[0] = expf(v); r[1] = logf(fabsf(v)); r[2] = sinf(v); r[3] = cosf(v); r[4] = tanhf(v); r[5] = erff(v); r[6] = sqrtf(fabsf(v)); r[7] = rsqrtf(fabsf(v));
                r[8] = 1.f / v; r[9] = v / 3.f; r[10] = powf(fabsf(v), 1.7f); r[11] = floorf(v); r[12] = rintf(v); r[13] = __expf(v); r[14] = fmodf(v, 0.7f); r[15] = (float)(int)v;
            }
            """);
        var x = Numbers(64);
        var y = gpu.Room<float>(64 * 16);
        gpu.Run("math", new(1), new(64), gpu.New(x), y);
        var result = gpu.Read<float>(y, 64 * 16);
        for (var i = 0; i < 64; i++)
        {
            double v = x[i], a = Math.Abs(v);
            double[] expected = [Math.Exp(v), Math.Log(a), Math.Sin(v), Math.Cos(v), Math.Tanh(v), double.NaN, Math.Sqrt(a), 1 / Math.Sqrt(a), 1 / v, v / 3, Math.Pow(a, 1.7f), Math.Floor(v), Math.Round(v), Math.Exp(v), Math.IEEERemainder(v, 0.7f), Math.Truncate(v)];
            for (var k = 0; k < 16; k++)
                if (k is not (5 or 14)) Assert.True(Math.Abs(result[i * 16 + k] - expected[k]) <= 4e-7 * Math.Max(Math.Abs(expected[k]), 0.1), $"{k} of {v}: {result[i * 16 + k]}, expected {expected[k]}");
            Assert.Equal((float)(v % 0.7f), result[i * 16 + 14], 1e-6);
        }
    }

    [VirtualFact]
    public void DynamicSharedMemoryFollowsTheStatic()
    {
        using var gpu = VirtualKernels.Compile("""
            extern "C" __global__ void reverse(const int* x, int* y, int n)
            {
                __shared__ int offset;
                extern __shared__ int room[];
                if (threadIdx.x == 0) offset = 1000;
                for (int i = threadIdx.x; i < n; i += blockDim.x) room[i] = x[i];
                __syncthreads();
                for (int i = threadIdx.x; i < n; i += blockDim.x) y[i] = room[n - 1 - i] + offset;
            }
            """);
        int[] x = [.. Enumerable.Range(0, 20000)];
        var y = gpu.Room<int>(20000);
        gpu.RunShared("reverse", new(1), new(96), 80000, gpu.New(x), y, 20000);
        Assert.Equal(x.Reverse().Select(v => v + 1000), gpu.Read<int>(y, 20000));
    }
}

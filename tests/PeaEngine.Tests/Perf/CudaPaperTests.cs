using PeaEngine.Perf;
using PeaEngine.Perf.Gpu;
using PeaEngine.Tests.Cuda;
using PeaEngine.VirtualGpu.Checks;

namespace PeaEngine.Tests.Perf;

/// <summary>What the perf suite says without a GPU: launches, what they need, and what that takes.</summary>
public class CudaPaperTests
{
    /// <summary>The launches on paper are those that a device gets: kernels, blocks, threads and shared memory.</summary>
    [NvrtcFact]
    public void LaunchesAreThoseOfADevice()
    {
        var counted = new List<(KernelLaunch Launch, Counters Counters)>();
        using (var backend = new CountingBackend(NvrtcPresence.Compiler, DType.F16, counted, hasLibrary: true)) Work(backend);
        using var paper = new PaperBackend(Chip.A100, DType.F16);
        Work(paper);
        // What stands for cuBLASLt on the virtual device tells outputs instead of blocks.
        counted.RemoveAll(each => each.Launch.Entry == "cublaslt");
        Assert.Equal(counted.Select(each => each.Launch), paper.Launches.Where(launch => launch.IsOurs));
        Assert.Equal(["conv2d_64x64_f16", "group_norm_moments_f16", "group_norm_merge", "group_norm_apply_f16", "copy_f32_f16", KernelLaunch.Library, "attention_64_f16"], paper.Launches.Select(launch => launch.Entry));
        Assert.All(counted, each => Assert.True(each.Counters.Instructions > 0));

        static void Work(Backend backend)
        {
            const DType Type = DType.F16;
            using var room = new Room(backend, 1);
            var image = room.New([1, 8, 8, 64], dtype: Type);
            backend.Conv2d(image, room.New([64, 3, 3, 64], dtype: Type), null, room.Empty([1, 8, 8, 64], Type), new(1, 1));
            backend.GroupNorm(image, room.New([64]), room.New([64]), room.Empty([1, 8, 8, 64], Type), 32, 1e-5f, true);
            var tokens = room.New([1, 64, 64], dtype: Type);
            backend.Linear(tokens, room.New([64, 64], dtype: Type), room.New([64]), room.Empty([1, 64, 64], Type));
            backend.Attention(tokens, tokens, tokens, room.Empty([1, 64, 64], Type), 1, 0.125f);
        }
    }

    /// <summary>As the calculator of CUDA's toolkit has it.</summary>
    [Theory]
    [InlineData(256, 32, 0, 8, 8)]
    [InlineData(256, 218, 73728, 1, 1)]
    [InlineData(128, 126, 65536, 2, 3)]
    [InlineData(32, 16, 0, 32, 32)]
    [InlineData(1024, 64, 0, 1, 1)]
    [InlineData(128, 255, 27648, 2, 2)]
    public void OccupancyFollowsFromRegistersThreadsAndSharedMemory(int threads, int registers, int sharedBytes, int a100, int h100)
    {
        Assert.Equal(a100, Chip.A100.Occupancy(threads, registers, sharedBytes));
        Assert.Equal(h100, Chip.H100.Occupancy(threads, registers, sharedBytes));
    }

    [Fact]
    public void PeaksAreTheMakers()
    {
        Assert.Equal(312e12, Chip.A100.Peak, 1e12);
        Assert.Equal(989e12, Chip.H100.Peak, 1e12);
    }

    /// <summary>Blocks are whole: 109 of them take an A100 of 108 multiprocessors as long as 216.</summary>
    [Fact]
    public void TheBusiestMultiprocessorDecides()
    {
        var counts = new KernelCounts(new(100, 0), new(0, 2048e3), default, default, default, default);
        var build = new KernelBuild(128, 0, 0, 1000, 64);
        var facts = new KernelFacts("", "", "", [new("product", "linear", "", new Dictionary<int, KernelBuild> { [80] = build }, counts)]);
        var roofline = new Roofline(Chip.A100, facts);
        Estimate Of(int blocks) => roofline.Of(new("product", new(blocks, 256), new("linear", "", blocks * 1e9, 0, 1000)));
        Assert.Equal(Bound.Tensor, Of(108).Bound);
        Assert.Equal(1e6 / 0.97 / 1.41e9 + Chip.A100.LaunchSeconds, Of(108).Seconds, 1e-9);
        Assert.Equal(Of(216).Seconds, Of(109).Seconds, 1e-12);
        Assert.Equal(109.0 / 216, Of(109).Evenness, 1e-9);
        Assert.Equal(1e9 / 2048e6, Of(108).Useful, 1e-9);
        Assert.Equal(2, Of(108).Occupancy);
        // What moves more than it computes waits for the memory.
        Assert.Equal((Bound.Memory, 1.0), (roofline.Of(new("product", new(1, 256), new("linear", "", 1, 1.555e12 * 0.9, 0))) is var slow ? slow.Bound : default, Math.Round(slow.Seconds, 3)));
    }

    [Fact]
    public void TwoLengthsMakeALine()
    {
        var line = PerBlock.Through((64, 300), (128, 500));
        Assert.Equal((100, 700), (line.Fixed, line.At(192)));
        Assert.Equal(500, PerBlock.Through((64, 500), (64, 500)).At(1000));
    }

    [NvrtcFact]
    public void MachineCodeTellsRegistersSharedMemoryAndProducts()
    {
        const string Source = """
            extern "C" __global__ void product(float* y, unsigned* x)
            {
                __shared__ float room[256];
                float d0 = 0, d1 = 0, d2 = 0, d3 = 0;
                asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                    : "+f"(d0), "+f"(d1), "+f"(d2), "+f"(d3) : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(x[4]), "r"(x[5]));
                room[threadIdx.x] = d0 + d1 + d2 + d3;
                __syncthreads();
                y[threadIdx.x] = room[255 - threadIdx.x];
            }
            extern "C" __global__ void nothing(float* y) { y[0] = 1; }
            """;
        var (code, log) = NvrtcPresence.Compiler.Compile(new("test", Source, new Dictionary<string, string>(), []), new(80));
        var builds = MachineCode.Read(code, log);
        Assert.Equal(["nothing", "product"], builds.Keys.Order());
        Assert.Equal((1024, 0, 1), (builds["product"].SharedBytes, builds["product"].SpilledBytes, builds["product"].Hmma));
        Assert.Equal((0, 0), (builds["nothing"].SharedBytes, builds["nothing"].Hmma));
        Assert.InRange(builds["product"].Registers, 8, 64);
        Assert.InRange(builds["nothing"].Instructions, 3, 64);
    }

    /// <summary>The step that the static goal is about, and one of distillation: SDXL in its own size, without a gigabyte of it. Every kernel of them was compiled and counted.</summary>
    [Theory, InlineData("unet-512", true), InlineData("kd-640", true), InlineData("kd-640", false)]
    public void TheStepsOfSdxlAreKnownKernelByKernel(string model, bool hasLibrary)
    {
        var estimate = ModelEstimate.Of(GpuModel.All.Single(each => each.Name == model), Chip.H100, KernelFacts.Load(), hasLibrary);
        Assert.Empty(estimate.Missing);
        var unknown = estimate.Estimates.Where(each => each.Launch.IsOurs && KernelFacts.Load().Find(each.Launch.Entry)?.Counts == null).Select(each => each.Launch.Entry).Distinct();
        Assert.True(!unknown.Any(), $"{string.Join(", ", unknown)}: not counted, 'dotnet run -c Release --project perf/PeaEngine.Perf -- gpu --count' does it");
        Assert.InRange(estimate.PeakShare, 0.1, 1);
        // Tiles compute what is asked for, and more; a part is no more than the whole.
        Assert.All(estimate.Estimates, each => Assert.InRange(each.Useful, 0, 1.0001));
        Assert.All(estimate.Estimates, each => Assert.InRange(each.Launch.Call.Bytes, 0, 1e11));
    }

    /// <summary>An op's operations are those of its kernels together, and every kernel has the length that its own loop runs over.</summary>
    [Fact]
    public void AnOpIsDividedAmongItsLaunches()
    {
        var call = new OpCall("attention_backward", "", 10, 7 * 64 + 6 * 77, 77, OtherLength: 64);
        var parts = Traffic.Divide(call, [("deltas_f16", new(1, 1)), ("attention_backward_keys_64_f16", new(1, 1)), ("attention_backward_queries_64_f16", new(1, 1))]).ToList();
        Assert.Equal([0, 6, 4], parts.Select(part => part.Call.Flops));
        Assert.Equal([2.0 * 64, 2 * 64 + 4 * 77, 3 * 64 + 2 * 77], parts.Select(part => part.Call.Bytes));
        Assert.Equal([0, 64, 77], parts.Select(part => part.Call.Length));

        // 770 rows in three parts of 288, which are written for 100 outputs and read again by two blocks of 256.
        call = new OpCall("linear_weight_backward", "", 2.0 * 100 * 770, 5000, 770);
        parts = [.. Traffic.Divide(call, [("linear_weight_backward_64x64_f16", new(new(1, 1, 3), 128)), ("sum_parts_f32", new(2, 256))])];
        Assert.Equal([(2.0 * 100 * 770, 5000.0 + 400, 288), (0, 512 * 4 * 5, 3)], parts.Select(part => (part.Call.Flops, part.Call.Bytes, part.Call.Length)));

        // A sample of 400 pixels and 64 channels, in chunks of 32.
        call = new OpCall("group_norm_backward", "", 0, 600, 400, OtherLength: 64);
        parts = [.. Traffic.Divide(call, [("group_norm_moments_f16", new(new(13, 1), 256)), ("group_norm_merge", new(32, 256)), ("group_norm_backward_sums_f16", new(new(1, 13), 256)),
            ("group_norm_backward_merge", new(32, 256)), ("group_norm_backward_apply_f16", new(new(1, 13), 256))])];
        Assert.Equal([100.0, 0, 200, 0, 300], parts.Select(part => part.Call.Bytes));
        Assert.Equal([31, 13 * 64, 31, 13 * 64, 0], parts.Select(part => part.Call.Length));
    }

    [Fact]
    public void TheReportSaysThatNothingWasTimed()
    {
        var output = new StringWriter();
        StaticReport.Write(output, KernelFacts.Load(), [GpuModel.All.Single(model => model.Name == "text-clip-l")], hasLibrary: true, everyShape: false);
        Assert.StartsWith("**Nothing was timed", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("| text encoder, CLIP ViT-L | H100 SXM |", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("| cublasLt |", output.ToString(), StringComparison.Ordinal);
        var error = new StringWriter();
        Assert.Equal(2, GpuProgram.Run(["unet-1025"], output, error));
        Assert.StartsWith("'unet-1025': expected", error.ToString(), StringComparison.Ordinal);
    }
}

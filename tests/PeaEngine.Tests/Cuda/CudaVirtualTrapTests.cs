using PeaEngine.VirtualGpu.Checks;
using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.Tests.Cuda;

/// <summary>What a kernel must not do ends its launch, and the message tells where and what.</summary>
public class CudaVirtualTrapTests
{
    static void Run(string body, int threads = 64, int blocks = 1, int count = 64)
    {
        using var gpu = VirtualKernels.Compile($$"""extern "C" __global__ void k(float* x, float* y, int n) { __shared__ float room[256]; int t = threadIdx.x, b = blockIdx.x; {{body}} }""");
        gpu.Run("k", new(blocks), new(threads), gpu.New(new float[count]), gpu.Room<float>(count), 0);
    }

    static void Faults(string expected, string body, int threads = 64, int blocks = 1)
    {
        var message = Assert.Throws<TrapException>(() => Run(body, threads, blocks)).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.StartsWith("k: ", message, StringComparison.Ordinal);
    }

    [VirtualFact]
    public void ReadsPastTheEnd() => Faults("warp 1 lane 31: out of bounds: reads 4 bytes at 0x", "y[t] = x[t == 63 ? 64 : t];");

    [VirtualFact]
    public void WritesBeforeTheBeginning() => Faults("out of bounds: writes 4 bytes", "y[t - 1] = 1;");

    [VirtualFact]
    public void MessagesTellTheLine() => Faults("k: source line 3, ptx line", "\n\ny[t + 64] = 1;");

    [VirtualFact]
    public void MisalignedVectors() => Faults("misaligned: 16 bytes", "*(float4*)(y + 2 * (t & 1)) = make_float4(1, 2, 3, 4);");

    [VirtualFact]
    public void UninitialisedGlobalMemory() => Faults("uninitialised: reads byte 252 of an allocation of 256", "if (t < 63) y[t] = 1; __syncthreads(); x[t] = y[t];");

    [VirtualFact]
    public void UninitialisedSharedMemory() => Faults("reads byte 252 of shared memory, which nothing has written", "if (t < 63) room[t] = 1; __syncthreads(); x[t] = room[t];");

    [VirtualFact]
    public void UninitialisedLocalMemory() => Faults("of local memory, which nothing has written", "float a[8]; for (int i = 0; i < n + 4; i++) a[i] = t; x[t] = a[n + 5];");

    [VirtualFact]
    public void SharedMemoryPastTheEnd() => Faults("of shared memory of 1024", "room[t * 5] = 1; x[t] = room[t * 5];");

    [VirtualFact]
    public void WarpsWithoutABarrier() => Faults("expected a barrier between", "room[t] = 1; if (t < 32) x[t] = room[t]; else x[t] = room[t - 32];");

    [VirtualFact]
    public void WritesAfterReadsWithoutABarrier() => Faults("race: writes byte 0 of shared memory, which warp 0 lane 0 read: expected a barrier between", "room[t] = t; __syncthreads(); x[t] = room[t]; if (t == 63) room[0] = 5;");

    [VirtualFact]
    public void LanesWithoutASync() => Faults("race: reads byte 4 of shared memory, which warp 0 lane 1 wrote: expected a __syncwarp between", "room[t] = t; x[t] = room[t ^ 1];", 32);

    [VirtualFact]
    public void AllLanesAfterTheFirstWithoutASync() => Faults("race: reads byte 0 of shared memory, which warp 0 lane 0 wrote: expected a __syncwarp between", "if (t == 0) room[0] = t; x[t] = room[0];", 32);

    [VirtualFact]
    public void LanesThatWriteTheSame() => Faults("race: writes byte 0 of shared memory, which warp 0 lane 0 wrote: expected a __syncwarp between", "room[t / 2] = t; __syncthreads(); x[t] = room[t / 2];");

    [VirtualFact]
    public void OrderedAccessesAreNoRace()
    {
        Run("room[t] = t; __syncthreads(); float v = room[63 - t]; __syncthreads(); room[t] = v; __syncwarp(); x[t] = room[t ^ 1];");
        Run("room[t] = t; __syncwarp(); float v = room[t ^ 1]; __syncwarp(); room[t] = v; x[t] = room[t];");
        Run("for (int i = 0; i < 20; i++) { room[(t + i) & 63] = t; __syncthreads(); }");
        Run("asm volatile(\"bar.sync 1, 64;\"); room[t] = t; asm volatile(\"bar.sync 1, 64;\"); x[t] = room[t ^ 32];");
    }

    [VirtualFact]
    public void GlobalMemoryOfABlockNeedsBarriersToo()
    {
        Faults("race: reads byte 128 of an allocation of 256, which warp 1 lane 0 wrote: expected a barrier between", "if (t >= 32 && t < 64) y[t] = t; if (t >= 64) x[t - 64] = y[t - 32];", 96);
        Faults("race: reads byte 4 of an allocation of 256, which warp 0 lane 1 wrote: expected a __syncwarp between", "y[t] = t; x[t] = y[t ^ 1];", 32);
        Faults("race: writes byte 0 of an allocation of 256, which warp 0 lane 0 wrote: expected a __syncwarp between", "y[t / 2] = t;");
        Run("y[t] = t; __syncthreads(); x[t] = y[63 - t]; __syncthreads(); y[t ^ 1] = x[t ^ 1];");
    }

    [VirtualFact]
    public void BlocksThatWriteTheSame() => Faults("another block writes: expected blocks to use bytes of their own", "y[t] = b;", blocks: 3);

    [VirtualFact]
    public void BlocksThatReadWhatAnotherWrites() => Faults("another block", "if (b == 0) x[t] = 1; else y[t] = x[t];", blocks: 2);

    [VirtualFact]
    public void AtomicsOfBlocksAreNoRace()
    {
        Run("atomicAdd(&x[t], 1.f);", blocks: 5);
        Faults("changes by an atomic", "atomicAdd(&x[t], 1.f); if (b == 0) y[t] = x[t];", blocks: 2);
    }

    [VirtualFact]
    public void BarriersInDivergentCode() => Faults("a barrier in divergent code: lanes 0000ffff of ffffffff", "if (t % 32 < 16) { __syncthreads(); x[t] = 1; }");

    [VirtualFact]
    public void BarriersThatNobodyElseComesTo() => Faults("waits for ever", "if (t < 32) asm volatile(\"bar.sync 1, 64;\"); else asm volatile(\"bar.sync 2, 64;\");");

    [VirtualFact]
    public void WarpsThatHaveEndedAreNotWaitedFor() => Run("if (t >= 32) return; __syncthreads(); x[t] = 1;");

    [VirtualFact]
    public void ShufflesWithLanesThatAreElsewhere() => Faults("names lanes ffff0000, which are elsewhere", "if (t % 32 < 16) x[t] = __shfl_xor_sync(~0u, x[t], 1);");

    [VirtualFact]
    public void LoopsWithoutAnEnd()
    {
        using var gpu = VirtualKernels.Body(".reg .b32 %r; loop: bra loop;", 0);
        var trap = Assert.Throws<TrapException>(() => gpu.Run("k", new(1), new(32)));
        Assert.Contains("instructions of one warp without a barrier", trap.Message, StringComparison.Ordinal);
    }

    [VirtualFact]
    public void Externs()
    {
        var error = Assert.Throws<PtxException>(() => VirtualKernels.Compile("extern __device__ float other(float); extern \"C\" __global__ void k(float* x) { *x = other(*x); }", null, "--relocatable-device-code=true"));
        Assert.Contains("unresolved extern function", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("add.f33 %r, %r, %r;", "an instruction that is not known")]
    [InlineData("wgmma.fence.sync.aligned;", "`wgmma.fence.sync.aligned`: an instruction that is not known")]
    [InlineData("add.s32 %r, %r;", "with 2 operands, expected 3")]
    [InlineData("add.s64 %r, %r, %r;", "expected one of 64 bits")]
    [InlineData("add.s32 %q, %r, %r;", "expected a register")]
    [InlineData("bra nowhere;", "label nowhere is not defined")]
    [InlineData("mov.u32 %r, elsewhere;", "unresolved extern elsewhere")]
    [InlineData("add.s32.sat %r, %r, %r;", "not known")]
    [InlineData("mov.u32 %r, \"text\";", "expected a name")]
    public void TextThatIsNotKnown(string body, string expected)
    {
        var error = Assert.Throws<PtxException>(() => VirtualKernels.Body($".reg .b32 %r;\n{body}\nret;", 0));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Equal(8, error.Line);
    }

    [Theory, InlineData("", false), InlineData(".maxntid 1024, 1, 1", true)]
    public void MoreRegistersThanABlockHas(string bounds, bool fits)
    {
        // 100 values that are made before the first is used.
        var body = string.Concat(Enumerable.Range(0, 100).Select(k => $"ld.volatile.global.u32 %r{k}, [%d];\n")) + string.Concat(Enumerable.Range(0, 100).Select(k => $"st.local.u32 [room+{4 * k}], %r{k};\n"));
        using var gpu = VirtualKernels.Load($".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 p) {bounds} {{ .reg .b32 %r<100>; .reg .b64 %d; .local .align 4 .b8 room[400];\nld.param.u64 %d, [p];\n{body}ret; }}");
        gpu.Run("k", new(1), new(608), gpu.New(1));
        // With launch bounds the assembler spills rather than let a launch fail.
        if (fits) gpu.Run("k", new(1), new(1024), gpu.New(1));
        else Assert.Contains("registers × 1024 threads", Assert.Throws<LaunchException>(() => gpu.Run("k", new(1), new(1024), gpu.New(1))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LaunchesBeyondTheArchitecture()
    {
        const string Ptx = ".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry k() .maxntid 512, 1, 1 { .shared .align 4 .b8 room[40960]; ret; }";
        foreach (var (architecture, most) in new[] { (GpuArchitecture.Sm80, 163), (GpuArchitecture.Sm86, 99), (GpuArchitecture.Sm89, 99), (GpuArchitecture.Sm90, 227) })
        {
            using var gpu = VirtualKernels.Load(Ptx, architecture);
            gpu.RunShared("k", new(1), new(512), (most << 10) - 40960);
            Assert.Throws<LaunchException>(() => gpu.RunShared("k", new(1), new(512), (most << 10) - 40959));
            Assert.Throws<LaunchException>(() => gpu.Run("k", new(1), new(513)));
            Assert.Throws<LaunchException>(() => gpu.Run("k", new(0), new(32)));
        }
    }
}

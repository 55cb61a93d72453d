using PeaEngine.VirtualGpu.Checks;

namespace PeaEngine.Tests.Cuda;

/// <summary><c>cp.async</c> is strict: its bytes arrive at the wait, and until then its destination and source must be left alone.</summary>
public class CudaVirtualAsyncCopyTests
{
    const string Head = """
        __device__ __forceinline__ void copy(void* to, const void* from, int bytes) { asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"((unsigned)__cvta_generic_to_shared(to)), "l"(__cvta_generic_to_global(from)), "r"(bytes) : "memory"); }
        __device__ __forceinline__ void commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
        template <int N> __device__ __forceinline__ void wait() { asm volatile("cp.async.wait_group %0;" :: "n"(N) : "memory"); }
        """;

    static readonly int[] Values = [.. Enumerable.Range(1, 1024)];

    static int[] Run(string body, int threads = 64)
    {
        using var gpu = VirtualKernels.Compile($$"""
            {{Head}}
            extern "C" __global__ void k(int* x, int* y)
            {
                __shared__ __align__(16) int room[4][64 * 4];
                int t = threadIdx.x;
                {{body}}
            }
            """);
        var y = gpu.New(new int[1024]);
        gpu.Run("k", new(1), new(threads), gpu.New(Values), y);
        return gpu.Read<int>(y, 1024);
    }

    static string Fault(string body) => Assert.Throws<TrapException>(() => Run(body)).Message;

    [VirtualFact]
    public void APipelineOfGroupsBringsAll()
    {
        var y = Run("""
            for (int s = 0; s < 2; s++) { copy(&room[s][4 * t], x + 256 * s + 4 * t, 16); commit(); }
            for (int s = 0; s < 4; s++)
            {
                if (s + 2 < 4) copy(&room[s + 2][4 * t], x + 256 * (s + 2) + 4 * t, 16);
                commit();
                wait<2>();
                __syncthreads();
                for (int i = 0; i < 4; i++) y[256 * s + t + 64 * i] = room[s][(t + 64 * i) ^ 255];
            }
            """);
        for (var k = 0; k < 1024; k++) Assert.Equal(Values[k ^ 255], y[k]);
    }

    [VirtualFact]
    public void WhatIsNotReadIsZero()
    {
        var y = Run("copy(&room[0][4 * t], x + 4 * t, t < 60 ? 16 : t == 60 ? 8 : 0); commit(); wait<0>(); for (int i = 0; i < 4; i++) y[4 * t + i] = room[0][4 * t + i];");
        Assert.Equal([.. Values[..242], .. new int[14]], y[..256]);
    }

    [VirtualFact]
    public void NobodyReadsBeforeTheWait() =>
        Assert.Contains("to which a cp.async is on its way", Fault("copy(&room[0][4 * t], x + 4 * t, 16); commit(); y[t] = room[0][4 * t];"), StringComparison.Ordinal);

    [VirtualFact]
    public void TheNewestGroupsAreNotWaitedFor() =>
        Assert.Contains("to which a cp.async is on its way", Fault("copy(&room[0][4 * t], x + 4 * t, 16); commit(); wait<1>(); y[t] = room[0][4 * t];"), StringComparison.Ordinal);

    [VirtualFact]
    public void NobodyWritesBeforeTheWait() =>
        Assert.Contains("to which a cp.async is on its way", Fault("copy(&room[0][4 * t], x + 4 * t, 16); commit(); room[0][4 * t] = 1; wait<0>(); y[t] = room[0][4 * t];"), StringComparison.Ordinal);

    [VirtualFact]
    public void OtherThreadsNeedMoreThanTheWait() =>
        Assert.Contains("expected a __syncwarp between", Fault("copy(&room[0][4 * t], x + 4 * t, 16); commit(); wait<0>(); y[t] = room[0][4 * (t ^ 1)];"), StringComparison.Ordinal);

    [VirtualFact]
    public void TheSourceIsNotWrittenBeforeTheWait() =>
        Assert.Contains("from which a cp.async of warp 0 is on its way", Fault("copy(&room[0][4 * t], x + 4 * t, 16); commit(); x[4 * t + 1] = 5; wait<0>(); y[t] = room[0][4 * t];"), StringComparison.Ordinal);

    [VirtualFact]
    public void TheSourceMustBeThere() =>
        Assert.Contains("out of bounds", Fault("copy(&room[0][4 * t], x + 1000 + 4 * t, 16); commit(); wait<0>();"), StringComparison.Ordinal);
}

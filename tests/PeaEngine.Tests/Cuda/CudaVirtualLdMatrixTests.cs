using PeaEngine.VirtualGpu.Checks;

namespace PeaEngine.Tests.Cuda;

/// <summary>
/// <c>ldmatrix</c> against the ISA: threads 8m to 8m + 7 give the addresses of the rows of matrix m; thread T gets, of row T / 4, elements
/// 2·(T % 4) and the next one; transposed, it gets of column T / 4 what stands in these rows.
/// </summary>
public class CudaVirtualLdMatrixTests
{
    static string Kernel(int count, bool transposed) => $$"""
        .reg .b32 %r<16>; .reg .b64 %d<4>; .reg .pred %p; .shared .align 16 .b8 room[4096];
        ld.param.u64 %d0, [p0]; ld.param.u64 %d1, [p1];
        mov.u32 %r0, %tid.x;
        mul.wide.u32 %d2, %r0, 16; add.u64 %d0, %d0, %d2;
        ld.global.v4.b32 {%r4, %r5, %r6, %r7}, [%d0];
        // Row l lies at byte 48·((5·l) % 32), so that rows are neither dense nor in order.
        mul.lo.u32 %r1, %r0, 5; and.b32 %r1, %r1, 31; mul.lo.u32 %r1, %r1, 48;
        mov.u32 %r2, room; add.u32 %r1, %r1, %r2;
        st.shared.v4.b32 [%r1], {%r4, %r5, %r6, %r7};
        bar.warp.sync -1;
        ldmatrix.sync.aligned.m8n8.x{{count}}{{(transposed ? ".trans" : "")}}.shared.b16 {{{string.Join(", ", Enumerable.Range(8, count).Select(r => $"%r{r}"))}}}, [%r1];
        mul.wide.u32 %d2, %r0, {{4 * count}}; add.u64 %d1, %d1, %d2;
        {{string.Concat(Enumerable.Range(0, count).Select(r => $"st.global.b32 [%d1+{4 * r}], %r{8 + r};\n"))}}
        ret;
        """;

    [Theory, InlineData(1, false), InlineData(2, false), InlineData(4, false), InlineData(1, true), InlineData(2, true), InlineData(4, true)]
    public void ElementsGoToTheirThreads(int count, bool transposed)
    {
        using var gpu = VirtualKernels.Body(Kernel(count, transposed));
        // Element (matrix, row, column) has a number of its own.
        ushort[] rows = [.. Enumerable.Range(0, 32 * 8).Select(k => (ushort)(k + 1000))];
        var y = gpu.Room<ushort>(32 * 2 * count);
        gpu.Run("k", new(1), new(32), gpu.New(rows), y);
        var result = gpu.Read<ushort>(y, 32 * 2 * count);
        for (var thread = 0; thread < 32; thread++)
            for (var matrix = 0; matrix < count; matrix++)
                for (var i = 0; i < 2; i++)
                {
                    var (row, column) = transposed ? (2 * (thread % 4) + i, thread / 4) : (thread / 4, 2 * (thread % 4) + i);
                    Assert.Equal(rows[(matrix * 8 + row) * 8 + column], result[(thread * count + matrix) * 2 + i]);
                }
    }

    [Fact]
    public void ConflictsOfRowsAreCounted()
    {
        using var gpu = VirtualKernels.Body("""
            .reg .b32 %r<8>; .reg .b64 %d<2>; .shared .align 16 .b8 room[4096];
            mov.u32 %r0, %tid.x; mov.u32 %r2, room; ld.param.u32 %r3, [p0];
            mul.lo.u32 %r1, %r0, %r3; add.u32 %r1, %r1, %r2;
            st.shared.v4.b32 [%r1], {%r0, %r0, %r0, %r0};
            bar.warp.sync -1;
            ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r4, %r5, %r6, %r7}, [%r1];
            ret;
            """, 1);
        // Rows of 128 bytes: eight begin in the same bank. 16 bytes more: none does.
        Assert.Equal(2 * 4 * 7, gpu.Run("k", new(1), new(32), 128ul).SharedConflicts);
        Assert.Equal(0, gpu.Run("k", new(1), new(32), 112ul).SharedConflicts);
    }

    [Fact]
    public void WithoutASyncBeforeItIsARace()
    {
        using var gpu = VirtualKernels.Body(Kernel(4, false).Replace("bar.warp.sync -1;", "", StringComparison.Ordinal));
        var trap = Assert.Throws<TrapException>(() => gpu.Run("k", new(1), new(32), gpu.New(new ushort[256]), gpu.Room<uint>(128)));
        Assert.Contains("expected a __syncwarp between", trap.Message, StringComparison.Ordinal);
    }
}

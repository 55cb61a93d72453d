using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Memory;
using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.Tests.Cuda;

/// <summary>Whatever is done to PTX, it is loaded or refused with a line; nothing else comes out of the parser and the decoder.</summary>
public class CudaVirtualPtxFuzzTests
{
    const string Text = """
        // A module with a bit of everything.
        .version 7.8
        .target sm_80
        .address_size 64
        .const .align 4 .b8 table[8] = {0, 0, 128, 63, 0, 0, 0, 64};
        .global .align 4 .u32 counter;
        .extern .shared .align 16 .b8 dynamic[];
        .func (.param .b32 result) helper(.param .b32 x, .param .b32 n)
        {
            .reg .f32 %f<4>; .reg .b32 %r<3>; .reg .pred %p<2>;
            ld.param.f32 %f1, [x]; ld.param.u32 %r1, [n];
            setp.lt.s32 %p1, %r1, 1; @%p1 bra $done;
            fma.rn.f32 %f1, %f1, %f1, 0f3F800000;
        $done:
            st.param.f32 [result+0], %f1;
            ret;
        }
        .visible .entry kernel(.param .u64 a, .param .align 8 .b8 b[16], .param .u32 n)
        .maxntid 256, 1, 1
        .minnctapersm 2
        {
            .local .align 16 .b8 depot[64];
            .reg .b64 %SP, %SPL; .reg .pred %p<5>; .reg .b16 %h<4>; .reg .b32 %r<20>; .reg .f32 %f<9>; .reg .b64 %rd<9>;
            .shared .align 4 .b8 room[128];
            .loc 1 12 3
            mov.u64 %SPL, depot; cvta.local.u64 %SP, %SPL;
            ld.param.u64 %rd1, [a]; ld.param.u32 %r1, [b+8]; ld.param.u32 %r2, [n];
            cvta.to.global.u64 %rd1, %rd1;
            mov.u32 %r3, %tid.x; mad.lo.s32 %r4, %r3, 4, %r2; mul.wide.s32 %rd2, %r4, 4; add.s64 %rd3, %rd1, %rd2;
            ld.global.nc.v4.f32 {%f1, %f2, %f3, %f4}, [%rd3+16];
            st.local.v2.u32 [%SPL+8], {%r1, %r2}; ld.u32 %r5, [%SP+8];
            mov.u32 %r6, room; st.shared.u32 [%r6+4], %r5; bar.sync 0; ld.shared.u32 %r7, [room+4];
            setp.eq.f32 %p1, %f1, %f2; setp.gt.and.s32 %p2|%p3, %r1, -5, !%p1; selp.b32 %r8, %r1, 0x1F, %p2;
            shfl.sync.bfly.b32 %r9|%p4, %r8, 16, 31, -1; vote.sync.ballot.b32 %r10, %p1, -1; activemask.b32 %r11;
            { .reg .b32 temp; call.uni (result0), helper, (%x, %n); }
            brx.idx %r3, list;
        list: .branchtargets $one, $two;
        $one: cvt.rn.f16.f32 %h1, %f3; mov.b32 %r12, {%h1, %h1}; ex2.approx.ftz.f32 %f5, %f1; lop3.b32 %r13, %r1, %r2, %r3, 0x96;
            cp.async.cg.shared.global [%r6], [%rd3], 16, %r2; cp.async.commit_group; cp.async.wait_group 0;
            ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%r14, %r15}, [%r6];
            mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f1, %f2, %f3, %f4}, {%r14, %r15}, {%r1}, {%f1, %f2, %f3, %f4};
        $two: atom.global.add.u32 %r16, [%rd1], 1; red.shared.max.s32 [%r6], %r1; @!%p1 bra $one;
            ret;
        }
        """;

    static readonly string[] Pieces = [" ", ";", ",", "{", "}", "[", "]", "(", ")", "%r1", "%rd1", "%p1", "%f1", "%h1", "room", "$one", "list", "ret", "bra", ".reg", ".b32", ".v4", "<99>", "-", "0", "4294967296", "18446744073709551616", "0f3F800000", "!", "|", "@", ":", "_", "\n", "/*", "\"", "call", ".param", ".shared", ".entry", "+", "99999999"];

    /// <summary>The call names variables that are not there: the text as it stands is refused for that alone.</summary>
    static readonly string Whole = Text.Replace("{ .reg .b32 temp; call.uni (result0), helper, (%x, %n); }", "{ .param .b32 x0; .param .b32 n0; .param .b32 result0; st.param.f32 [x0], %f1; st.param.b32 [n0+0], %r1; call.uni (result0), helper, (x0, n0); ld.param.f32 %f6, [result0]; }", StringComparison.Ordinal);

    static void Load(string text)
    {
        using var memory = new DeviceMemory();
        new ModuleImage(text, memory, GpuArchitecture.Sm80).Dispose();
    }

    [Fact]
    public void TheTextItselfIsLoaded() => Load(Whole);

    [Fact]
    public void TheRestIsRefused()
    {
        var random = new Random(11);
        var refused = 0;
        for (var round = 0; round < 1500; round++)
        {
            var text = new System.Text.StringBuilder(Whole);
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                var at = random.Next(text.Length);
                switch (random.Next(4))
                {
                    case 0: text.Remove(at, Math.Min(random.Next(1, 30), text.Length - at)); break;
                    case 1: text.Insert(at, Pieces[random.Next(Pieces.Length)]); break;
                    case 2: text[at] = (char)random.Next(1, 130); break;
                    default: text.Length = Math.Max(at, 1); break;
                }
            }
            try
            {
                Load(text.ToString());
            }
            catch (PtxException error)
            {
                Assert.True(error.Line >= 1);
                refused++;
            }
        }
        Assert.InRange(refused, 500, 1499);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{ .reg .b32 a;")]
    public void ScopesWithoutAnEnd(string scope) =>
        Assert.Throws<PtxException>(() => Load($".version 7.8\n.target sm_80\n.visible .entry k() {string.Concat(Enumerable.Repeat(scope, 100000))}"));

    [Fact]
    public void FunctionsThatCallThemselves() =>
        Assert.Contains("expected no recursion", Assert.Throws<PtxException>(() => Load(".version 7.8\n.target sm_80\n.func f() { call f; ret; }\n.visible .entry k() { call f; ret; }")).Message, StringComparison.Ordinal);
}

using System.Numerics;

namespace PeaEngine.Tests.Cuda;

/// <summary>Single instructions of the virtual GPU against what the PTX ISA says of them, in numbers of other types than the interpreter computes in.</summary>
public class CudaVirtualArithmeticTests
{
    static readonly uint[] Words =
    [
        0, 1, 2, 3, 5, 7, 31, 32, 33, 63, 64, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x12345678, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xDEADBEEF, 0xF0F0F0F0, 0xFFFFFFFE, 0xFFFFFFFF,
    ];

    static readonly float[] Singles =
    [
        0, -0.0f, 1, -1, 0.5f, 1.5f, 2.5f, -2.5f, 3, 1e-3f, -1e10f, 3.4e38f, float.Epsilon, -float.Epsilon, 1.1754944e-38f, 65504, 65519.9f, 65520, 6e-8f, 2.9802322e-08f, 2.98023224e-08f * 1.001f,
        float.PositiveInfinity, float.NegativeInfinity, float.NaN, 0.1f, -0.3f, 255.5f, 2147483648f, -2147483904f, 4294967296f, 1.0009766f, 1.00146484f,
    ];

    /// <summary>Runs d = op(a, b, c) for every triple; types are those of registers: b32, b64, f32, b16.</summary>
    static ulong[] Run(string op, string types, params (ulong A, ulong B, ulong C)[] inputs)
    {
        var declared = types.Split(' ');
        var registers = string.Concat(declared.Select((type, k) => $".reg .{type} %{"dabc"[k]};\n"));
        var loads = string.Concat(declared.Skip(1).Select((type, k) => $"ld.global.{(type == "b16" ? "u16" : type)} %{"abc"[k]}, [%x+{8 * k}];\n"));
        using var gpu = VirtualKernels.Body($$"""
            .reg .b64 %x, %y, %at; .reg .b32 %t, %i, %n; .reg .pred %p, %q;
            {{registers}}
            ld.param.u64 %x, [p0]; ld.param.u64 %y, [p1];
            mov.u32 %t, %tid.x; mov.u32 %i, %ctaid.x; mov.u32 %n, %ntid.x; mad.lo.u32 %t, %i, %n, %t;
            mul.wide.u32 %at, %t, 24; add.u64 %x, %x, %at; mul.wide.u32 %at, %t, 8; add.u64 %y, %y, %at;
            {{loads}}
            {{op}}
            st.global.{{declared[0]}} [%y], %d;
            ret;
            """);
        var blocks = (inputs.Length + 31) / 32;
        var padded = inputs.Concat(Enumerable.Repeat(inputs[0], blocks * 32 - inputs.Length));
        var y = gpu.New(new ulong[blocks * 32]);
        gpu.Run("k", new(blocks), new(32), gpu.New<ulong>([.. padded.SelectMany(input => new[] { input.A, input.B, input.C })]), y);
        return gpu.Read<ulong>(y, inputs.Length);
    }

    static (ulong, ulong, ulong)[] Pairs<T>(T[] values, Func<T, ulong> bits, params ulong[] third) =>
        [.. from a in values from b in values from c in third.Length == 0 ? [0] : third select (bits(a), bits(b), c)];

    static void Each(string op, string types, (ulong A, ulong B, ulong C)[] inputs, Func<ulong, ulong, ulong, ulong> expected)
    {
        var results = Run(op, types, inputs);
        for (var k = 0; k < inputs.Length; k++)
        {
            var (a, b, c) = inputs[k];
            Assert.True(expected(a, b, c) == results[k], $"{op} of {a:x}, {b:x}, {c:x}: {results[k]:x}, expected {expected(a, b, c):x}");
        }
    }

    public static TheoryData<string, Func<uint, uint, uint, BigInteger>> Integers => new()
    {
        { "mul.lo.u32 %d, %a, %b;", (a, b, c) => (BigInteger)a * b },
        { "mul.hi.u32 %d, %a, %b;", (a, b, c) => (BigInteger)a * b >> 32 },
        { "mul.hi.s32 %d, %a, %b;", (a, b, c) => (BigInteger)(int)a * (int)b >> 32 },
        { "mad.lo.s32 %d, %a, %b, %c;", (a, b, c) => (BigInteger)a * b + c },
        { "mad.hi.u32 %d, %a, %b, %c;", (a, b, c) => ((BigInteger)a * b >> 32) + c },
        { "div.s32 %d, %a, %b;", (a, b, c) => b == 0 ? uint.MaxValue : BigInteger.Divide((int)a, (int)b) },
        { "div.u32 %d, %a, %b;", (a, b, c) => b == 0 ? uint.MaxValue : BigInteger.Divide(a, b) },
        { "rem.s32 %d, %a, %b;", (a, b, c) => b == 0 ? (int)a : BigInteger.Remainder((int)a, (int)b) },
        { "rem.u32 %d, %a, %b;", (a, b, c) => b == 0 ? a : BigInteger.Remainder(a, b) },
        { "min.s32 %d, %a, %b;", (a, b, c) => BigInteger.Min((int)a, (int)b) },
        { "max.u32 %d, %a, %b;", (a, b, c) => BigInteger.Max(a, b) },
        { "abs.s32 %d, %a;", (a, b, c) => BigInteger.Abs((int)a) },
        { "neg.s32 %d, %a;", (a, b, c) => -(BigInteger)a },
        { "sad.s32 %d, %a, %b, %c;", (a, b, c) => BigInteger.Abs((BigInteger)(int)a - (int)b) + c },
        { "shl.b32 %d, %a, %b;", (a, b, c) => b > 31 ? 0 : (BigInteger)a << (int)b },
        { "shr.u32 %d, %a, %b;", (a, b, c) => b > 31 ? 0 : (BigInteger)a >> (int)b },
        { "shr.s32 %d, %a, %b;", (a, b, c) => (BigInteger)(int)a >> (int)Math.Min(b, 31) },
        { "shf.l.wrap.b32 %d, %a, %b, %c;", (a, b, c) => (((BigInteger)b << 32 | a) << (int)(c & 31)) >> 32 },
        { "shf.r.wrap.b32 %d, %a, %b, %c;", (a, b, c) => ((BigInteger)b << 32 | a) >> (int)(c & 31) },
        { "shf.l.clamp.b32 %d, %a, %b, %c;", (a, b, c) => (((BigInteger)b << 32 | a) << (int)Math.Min(c, 32)) >> 32 },
        { "shf.r.clamp.b32 %d, %a, %b, %c;", (a, b, c) => ((BigInteger)b << 32 | a) >> (int)Math.Min(c, 32) },
        { "popc.b32 %d, %a;", (a, b, c) => Convert.ToString((int)a, 2).Count(bit => bit == '1') },
        { "clz.b32 %d, %a;", (a, b, c) => a == 0 ? 32 : 32 - Convert.ToString((int)a, 2).Length },
        { "brev.b32 %d, %a;", (a, b, c) => Convert.ToUInt32(new string([.. Convert.ToString((int)a, 2).PadLeft(32, '0').Reverse()]), 2) },
        { "bfind.u32 %d, %a;", (a, b, c) => a == 0 ? uint.MaxValue : Convert.ToString((int)a, 2).Length - 1 },
        { "bfind.s32 %d, %a;", (a, b, c) => ((int)a < 0 ? ~a : a) is var x && x == 0 ? uint.MaxValue : Convert.ToString((int)x, 2).Length - 1 },
        { "bfe.u32 %d, %a, %b, %c;", (a, b, c) => Field(a, b, c, false) },
        { "bfe.s32 %d, %a, %b, %c;", (a, b, c) => Field(a, b, c, true) },
        { "prmt.b32 %d, %a, %b, %c;", (a, b, c) => Permuted(a, b, c) },
        { "lop3.b32 %d, %a, %b, %c, 0xE8;", (a, b, c) => a & b | a & c | b & c },
        { "lop3.b32 %d, %a, %b, %c, 0x96;", (a, b, c) => a ^ b ^ c },
        { "dp4a.s32.s32 %d, %a, %b, %c;", (a, b, c) => Enumerable.Range(0, 4).Sum(k => (sbyte)(a >> 8 * k) * (sbyte)(b >> 8 * k)) + (BigInteger)c },
        { "add.s16 %s, %h, %g; mov.b32 %d, {%s, %s};", (a, b, c) => (BigInteger)(ushort)(a + b) * 0x10001 },
        { "shr.s16 %s, %h, 3; mov.b32 %d, {%s, %s};", (a, b, c) => (BigInteger)(ushort)((short)a >> 3) * 0x10001 },
        { "mul.hi.s16 %s, %h, %g; mov.b32 %d, {%s, %s};", (a, b, c) => (BigInteger)(ushort)((short)a * (short)b >> 16) * 0x10001 },
        { "mul.wide.s16 %d, %h, %g;", (a, b, c) => (short)a * (short)b },
        { "cvt.s32.s8 %d, %a;", (a, b, c) => (sbyte)a },
        { "cvt.u32.u8 %d, %a;", (a, b, c) => (byte)a },
        { "cvt.sat.u8.s32 %d, %a;", (a, b, c) => Math.Clamp((int)a, 0, 255) },
        { "cvt.sat.s16.s32 %s, %a; mov.b32 %d, {%s, %s};", (a, b, c) => (BigInteger)(ushort)(short)Math.Clamp((int)a, short.MinValue, short.MaxValue) * 0x10001 },
        { "setp.lt.s32 %p, %a, %b; selp.b32 %d, %a, %c, %p;", (a, b, c) => (int)a < (int)b ? a : c },
        { "setp.hi.and.u32 %p|%q, %a, %b, %p; setp.ge.or.u32 %p|%q, %a, %b, %p; selp.u32 %d, 1, 2, %q;", (a, b, c) => a < b ? 1 : 2 },
    };

    static BigInteger Field(uint a, uint position, uint length, bool signed)
    {
        int at = (int)(position & 0xFF), count = (int)(length & 0xFF);
        var sign = signed && count > 0 && (a >> Math.Min(at + count - 1, 31) & 1) != 0;
        uint result = 0;
        for (var i = 0; i < 32; i++)
            if (i < count && at + i <= 31 ? (a >> at + i & 1) != 0 : sign) result |= 1u << i;
        return result;
    }

    static BigInteger Permuted(uint a, uint b, uint selector)
    {
        byte[] bytes = [.. BitConverter.GetBytes(a), .. BitConverter.GetBytes(b)];
        uint result = 0;
        for (var i = 0; i < 4; i++)
        {
            var choice = (int)(selector >> 4 * i & 15);
            var value = bytes[choice & 7];
            result |= (uint)(choice < 8 ? value : value >= 128 ? 255 : 0) << 8 * i;
        }
        return result;
    }

    [Theory, MemberData(nameof(Integers))]
    public void IntegersOf32Bits(string op, Func<uint, uint, uint, BigInteger> expected) =>
        Each($".reg .b16 %s, %h, %g; cvt.u16.u32 %h, %a; cvt.u16.u32 %g, %b; setp.ne.u32 %p, 0, 0;\n{op}", "b32 b32 b32 b32", Pairs(Words, word => word, 0, 1, 8, 17, 32, 0x5140, 0x9ABC, 0xFFFFFFFF),
            (a, b, c) => (ulong)(expected((uint)a, (uint)b, (uint)c) & uint.MaxValue));

    static readonly ulong[] Longs = [0, 1, 63, 64, 0xFFFFFFFF, 0x100000000, 0x123456789ABCDEF0, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFEDCBA9876543210, 0xFFFFFFFFFFFFFFFF];

    public static TheoryData<string, Func<ulong, ulong, BigInteger>> LongIntegers => new()
    {
        { "add.s64 %d, %a, %b;", (a, b) => (BigInteger)a + b },
        { "mul.lo.s64 %d, %a, %b;", (a, b) => (BigInteger)a * b },
        { "mul.hi.u64 %d, %a, %b;", (a, b) => (BigInteger)a * b >> 64 },
        { "mul.hi.s64 %d, %a, %b;", (a, b) => (BigInteger)(long)a * (long)b >> 64 },
        { "div.s64 %d, %a, %b;", (a, b) => b == 0 ? ulong.MaxValue : BigInteger.Divide((long)a, (long)b) },
        { "rem.u64 %d, %a, %b;", (a, b) => b == 0 ? a : BigInteger.Remainder(a, b) },
        { "min.s64 %d, %a, %b;", (a, b) => BigInteger.Min((long)a, (long)b) },
        { "cvt.u32.u64 %n, %b; shl.b64 %d, %a, %n;", (a, b) => (uint)b > 63 ? 0 : (BigInteger)a << (int)(uint)b },
        { "cvt.u32.u64 %n, %b; shr.s64 %d, %a, %n;", (a, b) => (BigInteger)(long)a >> (int)Math.Min((uint)b, 63) },
        { "cvt.u32.u64 %n, %b; cvt.u32.u64 %i, %a; mul.wide.s32 %d, %i, %n;", (a, b) => (BigInteger)(int)a * (int)b },
        { "cvt.u32.u64 %n, %b; cvt.u32.u64 %i, %a; mad.wide.u32 %d, %i, %n, %a;", (a, b) => (BigInteger)(uint)a * (uint)b + a },
        { "cvt.s64.s32 %d, %a;", (a, b) => (int)a },
        { "cvt.u64.u32 %d, %a;", (a, b) => (uint)a },
        { "mov.b64 {%n, %i}, %a; mov.b64 %d, {%i, %n};", (a, b) => (BigInteger)(a << 32 | a >> 32) },
        { "setp.gt.s64 %p, %a, %b; selp.b64 %d, %b, %a, %p;", (a, b) => BigInteger.Min((long)a, (long)b) },
        { "bfi.b64 %d, %a, %b, 12, 40;", (a, b) => b & ~(((1ul << 40) - 1) << 12) | (a & (1ul << 40) - 1) << 12 },
    };

    [Theory, MemberData(nameof(LongIntegers))]
    public void IntegersOf64Bits(string op, Func<ulong, ulong, BigInteger> expected) => Each(op, "b64 b64 b64", Pairs(Longs, word => word), (a, b, _) => (ulong)(expected(a, b) & ulong.MaxValue));

    static ulong Bits(float value) => float.IsNaN(value) ? 0x7FC00000 : BitConverter.SingleToUInt32Bits(value);

    static float Single(ulong bits) => BitConverter.UInt32BitsToSingle((uint)bits);

    /// <summary>One step of a rational number to a single, by comparison with its neighbours.</summary>
    static float Round(double nearest, BigInteger exact, int scale, char mode)
    {
        var single = (float)nearest;
        var sign = (Scaled(single, scale) - exact).Sign;
        return mode switch
        {
            'm' => sign > 0 ? MathF.BitDecrement(single) : single,
            'p' => sign < 0 ? MathF.BitIncrement(single) : single,
            'z' when exact.Sign > 0 => sign > 0 ? MathF.BitDecrement(single) : single,
            'z' => sign < 0 ? MathF.BitIncrement(single) : single,
            _ => single,
        };
    }

    /// <summary>value · 2^scale, which must be an integer.</summary>
    static BigInteger Scaled(float value, int scale)
    {
        var bits = BitConverter.SingleToInt32Bits(value);
        var (exponent, fraction) = (bits >> 23 & 0xFF, (BigInteger)(bits & 0x7FFFFF));
        if (exponent > 0) fraction += 1 << 23;
        fraction <<= scale + Math.Max(exponent, 1) - 150;
        return bits < 0 ? -fraction : fraction;
    }

    [Theory, InlineData('m'), InlineData('p'), InlineData('z')]
    public void SinglesRoundedOtherwise(char mode)
    {
        // A product has 2^-298 at least: with 300 bits behind the point everything is an integer.
        float[] values = [.. Singles.Where(value => float.IsFinite(value) && value != 0 && Math.Abs(value) < 1e19)];
        foreach (var c in new[] { 0.1f, -3e-5f, 1e12f })
            Each($"fma.r{mode}.f32 %d, %a, %b, %c;", "f32 f32 f32 f32", Pairs(values, Bits, Bits(c)), (a, b, _) =>
            {
                var exact = Scaled(Single(a), 150) * Scaled(Single(b), 150) + (Scaled(c, 150) << 150);
                return Bits(Round((double)Single(a) * Single(b) + c, exact, 300, mode));
            });
        Each($"add.r{mode}.f32 %d, %a, %b;", "f32 f32 f32", [.. Pairs(values, Bits).Where(pair => Single(pair.Item1) != -Single(pair.Item2))],
            (a, b, _) => Bits(Round((double)Single(a) + Single(b), Scaled(Single(a), 150) + Scaled(Single(b), 150), 150, mode)));
    }

    public static TheoryData<string, Func<float, float, float, float>> SingleOps => new()
    {
        { "add.f32 %d, %a, %b;", (a, b, c) => a + b },
        { "sub.f32 %d, %a, %b;", (a, b, c) => a - b },
        { "mul.f32 %d, %a, %b;", (a, b, c) => a * b },
        { "fma.rn.f32 %d, %a, %b, %c;", MathF.FusedMultiplyAdd },
        { "div.rn.f32 %d, %a, %b;", (a, b, c) => a / b },
        { "sqrt.rn.f32 %d, %a;", (a, b, c) => MathF.Sqrt(a) },
        { "rcp.rn.f32 %d, %a;", (a, b, c) => 1 / a },
        { "min.f32 %d, %a, %b;", (a, b, c) => float.IsNaN(a) ? b : float.IsNaN(b) ? a : MathF.Min(a, b) },
        { "max.f32 %d, %a, %b;", (a, b, c) => float.IsNaN(a) ? b : float.IsNaN(b) ? a : MathF.Max(a, b) },
        { "max.NaN.f32 %d, %a, %b;", (a, b, c) => MathF.Max(a, b) },
        { "abs.f32 %d, %a;", (a, b, c) => MathF.Abs(a) },
        { "neg.f32 %d, %a;", (a, b, c) => -a },
        { "copysign.f32 %d, %a, %b;", (a, b, c) => MathF.CopySign(b, a) },
        { "add.sat.f32 %d, %a, %b;", (a, b, c) => a + b > 0 ? Math.Min(a + b, 1) : 0 },
        { "mul.ftz.f32 %d, %a, %b;", (a, b, c) => Flushed(Flushed(a) * Flushed(b)) },
        { "cvt.rni.f32.f32 %d, %a;", (a, b, c) => MathF.Round(a, MidpointRounding.ToEven) },
        { "cvt.rmi.f32.f32 %d, %a;", (a, b, c) => MathF.Floor(a) },
        { "cvt.rpi.f32.f32 %d, %a;", (a, b, c) => MathF.Ceiling(a) },
        { "cvt.rzi.f32.f32 %d, %a;", (a, b, c) => MathF.Truncate(a) },
        { "cvt.sat.f32.f32 %d, %a;", (a, b, c) => a > 0 ? Math.Min(a, 1) : 0 },
        { "setp.ltu.f32 %p, %a, %b; selp.f32 %d, %a, %b, %p;", (a, b, c) => !(a >= b) ? a : b },
        { "setp.ne.f32 %p, %a, %b; selp.f32 %d, 0f3F800000, 0f00000000, %p;", (a, b, c) => a < b || a > b ? 1 : 0 },
        { "setp.num.f32 %p, %a, %b; selp.f32 %d, 1.0, 2.0, %p;", (a, b, c) => float.IsNaN(a) || float.IsNaN(b) ? 2 : 1 },
    };

    static float Flushed(float value) => float.IsSubnormal(value) ? MathF.CopySign(0, value) : value;

    [Theory, MemberData(nameof(SingleOps))]
    public void SinglesRoundedOnce(string op, Func<float, float, float, float> expected)
    {
        var inputs = Pairs(Singles, Bits, Bits(0.7f));
        var results = Run(op, "f32 f32 f32 f32", inputs);
        for (var k = 0; k < inputs.Length; k++)
        {
            var (a, b, c) = (Single(inputs[k].Item1), Single(inputs[k].Item2), Single(inputs[k].Item3));
            Assert.True(Bits(expected(a, b, c)) == Bits(Single(results[k])), $"{op} of {a:R}, {b:R}: {Single(results[k]):R}, expected {expected(a, b, c):R}");
        }
    }

    public static TheoryData<string, Func<double, double>, double> Approximations => new()
    {
        // The errors that the ISA documents.
        { "ex2.approx.f32", x => Math.Pow(2, x), Math.Pow(2, -22) },
        { "lg2.approx.f32", x => Math.Log2(x), Math.Pow(2, -22) },
        { "rsqrt.approx.f32", x => 1 / Math.Sqrt(x), Math.Pow(2, -22.9) },
        { "rcp.approx.f32", x => 1 / x, Math.Pow(2, -23) },
        { "tanh.approx.f32", Math.Tanh, Math.Pow(2, -11) },
    };

    [Theory, MemberData(nameof(Approximations))]
    public void ApproximationsKeepTheirErrors(string op, Func<double, double> exact, double error)
    {
        float[] values = [.. Enumerable.Range(-2000, 4001).Select(k => k * 0.01f)];
        var results = Run($"{op} %d, %a;", "f32 f32", [.. values.Select(value => (Bits(value), 0ul, 0ul))]);
        for (var k = 0; k < values.Length; k++)
        {
            var expected = exact(values[k]);
            if (double.IsNaN(expected) || double.IsInfinity(expected)) Assert.Equal((float)expected, Single(results[k]));
            else Assert.True(Math.Abs(Single(results[k]) - expected) <= error * Math.Max(Math.Abs(expected), op[0] == 'l' ? 1 : 0), $"{op} of {values[k]}: {Single(results[k]):R}, expected {expected:R}");
        }
    }

    [Theory, InlineData("s32"), InlineData("u32"), InlineData("s64"), InlineData("u64"), InlineData("u16"), InlineData("s8")]
    public void SinglesBecomeIntegers(string type)
    {
        (double least, double most) = type switch { "s32" => (int.MinValue, int.MaxValue), "u32" => (0, uint.MaxValue), "s64" => (long.MinValue, long.MaxValue), "u64" => (0, ulong.MaxValue), "u16" => (0, ushort.MaxValue), _ => ((double)sbyte.MinValue, (double)sbyte.MaxValue) };
        foreach (var (mode, round) in new (string, Func<double, double>)[] { ("rni", x => Math.Round(x, MidpointRounding.ToEven)), ("rzi", Math.Truncate), ("rmi", Math.Floor), ("rpi", Math.Ceiling) })
        {
            var wide = type.EndsWith("64", StringComparison.Ordinal);
            var results = Run($"cvt.{mode}.{type}.f32 %d, %a;", wide ? "b64 f32" : "b32 f32", [.. Singles.Select(value => (Bits(value), 0ul, 0ul))]);
            for (var k = 0; k < Singles.Length; k++)
            {
                var exact = double.IsNaN(Singles[k]) ? 0 : round(Singles[k]);
                var expected = exact >= most ? type switch { "s64" => long.MaxValue, "u64" => ulong.MaxValue, _ => (BigInteger)most } : exact <= least ? (BigInteger)least : (BigInteger)exact;
                Assert.Equal((ulong)(expected & (wide ? ulong.MaxValue : uint.MaxValue)), results[k]);
            }
        }
    }

    [Fact]
    public void HalvesRoundToTheNearestEven()
    {
        // Every half and the points between it and the next.
        List<float> values = [.. Singles];
        for (var k = 0; k < 0x7C00; k += 37)
        {
            float low = (float)BitConverter.UInt16BitsToHalf((ushort)k), high = k == 0x7BFF ? 65536 : (float)BitConverter.UInt16BitsToHalf((ushort)(k + 1)), middle = (low + high) / 2;
            values.AddRange([low, middle, MathF.BitDecrement(middle), MathF.BitIncrement(middle), -middle]);
        }
        (ulong, ulong, ulong)[] inputs = [.. values.Select(value => (Bits(value), Bits(-value), 0ul))];
        Each(".reg .b16 %s; cvt.rn.f16.f32 %s, %a; cvt.u32.u16 %d, %s;", "b32 f32", inputs, (a, _, _) => HalfBits(Single(a)));
        Each("cvt.rn.f16x2.f32 %d, %a, %b;", "b32 f32 f32", inputs, (a, b, _) => (ulong)HalfBits(Single(a)) << 16 | HalfBits(Single(b)));
        Each(".reg .b16 %s; cvt.rn.f16.f32 %s, %a; cvt.f32.f16 %d, %s;", "f32 f32", [.. inputs.Where(input => !float.IsNaN(Single(input.Item1)))], (a, _, _) => Bits((float)BitConverter.UInt16BitsToHalf(HalfBits(Single(a)))));
    }

    /// <summary>By the distances to the two neighbours, in double precision.</summary>
    static ushort HalfBits(float value)
    {
        if (float.IsNaN(value)) return 0x7FFF;
        var sign = (ushort)(float.IsNegative(value) ? 0x8000 : 0);
        double magnitude = Math.Min(Math.Abs(value), 1e6);
        var unit = Math.Pow(2, Math.Max(Math.Floor(magnitude > 0 ? Math.Log2(magnitude) : -100), -14) - 10);
        var steps = Math.Round(magnitude / unit, MidpointRounding.ToEven) * unit;
        return (ushort)(sign | (steps >= 65520 ? 0x7C00 : BitConverter.HalfToUInt16Bits((Half)steps)));
    }

    [Fact]
    public void BFloat16RoundsToTheNearestEven()
    {
        (ulong, ulong, ulong)[] inputs = [.. Enumerable.Range(0, 4000).Select(k => ((ulong)(uint)(k * 1073741u ^ 0x3F80_0000), 0ul, 0ul)).Where(input => !float.IsNaN(Single(input.Item1))), .. Enumerable.Range(0, 8).Select(k => (0x3F800000ul + (ulong)k * 0x4000, 0ul, 0ul)), (0x7F7FFFFF, 0, 0), (1, 0, 0)];
        Each(".reg .b16 %s; cvt.rn.bf16.f32 %s, %a; mov.b32 %d, {%s, %s};", "b32 f32", inputs, (a, _, _) =>
        {
            var (low, rest) = (a >> 16, a & 0xFFFF);
            var rounded = low + (rest > 0x8000 || rest == 0x8000 && (low & 1) != 0 ? 1u : 0u);
            return rounded << 16 | rounded;
        });
    }

    [Theory, InlineData("add"), InlineData("mul"), InlineData("fma")]
    public void HalvesInPairsRoundOnce(string name)
    {
        float[] values = [0, 1, -1.5f, 65504, -65504, 6.1035156e-05f, 5.9604645e-08f, 0.333251953f, 1234, 0.00097751617f, 2049f / 2048, float.PositiveInfinity];
        Half[] halves = [.. values.Select(value => (Half)value)];
        Func<ulong, ulong, ulong, ulong> expected = (a, b, c) => One(a, b, c) | One(a >> 16, b >> 16, c >> 16) << 16;
        Each(name == "fma" ? "fma.rn.f16x2 %d, %a, %b, %c;" : $"{name}.f16x2 %d, %a, %b;", "b32 b32 b32 b32", Pairs(halves, half => (ulong)BitConverter.HalfToUInt16Bits(half) << 16 | 0x3C01, 0x3C003C00, 0x00018400), expected);

        // Exact numbers of 2^-48 and 2^-24, rounded by the distances to the neighbours.
        ulong One(ulong x, ulong y, ulong z)
        {
            double a = (double)BitConverter.UInt16BitsToHalf((ushort)x), b = (double)BitConverter.UInt16BitsToHalf((ushort)y), c = (double)BitConverter.UInt16BitsToHalf((ushort)z);
            var exact = name switch { "add" => a + b, "mul" => a * b, _ => a * b + c };
            return double.IsNaN(exact) ? 0x7FFFu : BitConverter.HalfToUInt16Bits((Half)exact);
        }
    }
}

using PeaEngine.VirtualGpu.Checks;

namespace PeaEngine.Tests.Cuda;

/// <summary>
/// <c>mma.sync</c> on the virtual GPU against the tables of the PTX ISA ("Matrix Fragments for mma.m16n8k8", "… mma.m16n8k16 with floating
/// point type"), written down here once more: groupID = laneid / 4, threadID_in_group = laneid % 4.
/// </summary>
public class CudaVirtualMmaTests
{
    /// <summary>Where element i of a lane's fragment lies.</summary>
    delegate (int Row, int Column) Layout(int group, int thread, int i);

    /// <summary>A shape with its types: the opcode's end, K, bits of an element of A and B, fragments of A, B, C and D, and how numbers are written.</summary>
    sealed record Shape(string Opcode, int K, int ElementBits, Layout A, int ACount, Layout B, int BCount, int AccumulatorBits, Func<float, uint> Bits);

    static uint HalfBits(float value) => BitConverter.HalfToUInt16Bits((Half)value);

    static uint BFloat16Bits(float value) => BitConverter.SingleToUInt32Bits(value) >> 16;

    // row = groupID for ai where 0 <= i < 2 || 4 <= i < 6, groupID + 8 otherwise; col = threadID_in_group * 2 + (i & 1) for i < 4, + 8 for i >= 4
    static (int, int) A16(int group, int thread, int i) => (i is 0 or 1 or 4 or 5 ? group : group + 8, thread * 2 + (i & 1) + (i < 4 ? 0 : 8));

    // row = threadID_in_group * 2 + (i & 1) for i < 2, + 8 for i >= 2; col = groupID
    static (int, int) B16(int group, int thread, int i) => (thread * 2 + (i & 1) + (i < 2 ? 0 : 8), group);

    // row = groupID for a0 and a1, groupID + 8 for a2 and a3; col = threadID_in_group * 2 + (i & 1)
    static (int, int) A8(int group, int thread, int i) => (i < 2 ? group : group + 8, thread * 2 + (i & 1));

    // row = threadID_in_group * 2 + i; col = groupID
    static (int, int) B8(int group, int thread, int i) => (thread * 2 + i, group);

    // .tf32: row = groupID for a0 and a2, groupID + 8 for a1 and a3; col = threadID_in_group for a0 and a1, + 4 for a2 and a3
    static (int, int) ATf32(int group, int thread, int i) => (i is 0 or 2 ? group : group + 8, i < 2 ? thread : thread + 4);

    // .tf32: row = threadID_in_group for b0, + 4 for b1; col = groupID
    static (int, int) BTf32(int group, int thread, int i) => (i == 0 ? thread : thread + 4, group);

    // row = groupID for c0 and c1, groupID + 8 for c2 and c3; col = threadID_in_group * 2 + (i & 1)
    static (int, int) Accumulator(int group, int thread, int i) => (i < 2 ? group : group + 8, thread * 2 + (i & 1));

    static readonly Dictionary<string, Shape> Shapes = new Shape[]
    {
        new("m16n8k16.row.col.f32.f16.f16.f32", 16, 16, A16, 8, B16, 4, 32, HalfBits),
        new("m16n8k16.row.col.f16.f16.f16.f16", 16, 16, A16, 8, B16, 4, 16, HalfBits),
        new("m16n8k16.row.col.f32.bf16.bf16.f32", 16, 16, A16, 8, B16, 4, 32, BFloat16Bits),
        new("m16n8k8.row.col.f32.f16.f16.f32", 8, 16, A8, 4, B8, 2, 32, HalfBits),
        new("m16n8k8.row.col.f16.f16.f16.f16", 8, 16, A8, 4, B8, 2, 16, HalfBits),
        new("m16n8k8.row.col.f32.bf16.bf16.f32", 8, 16, A8, 4, B8, 2, 32, BFloat16Bits),
        new("m16n8k8.row.col.f32.tf32.tf32.f32", 8, 32, ATf32, 4, BTf32, 2, 32, BitConverter.SingleToUInt32Bits),
    }.ToDictionary(shape => shape.Opcode);

    public static TheoryData<string> Opcodes => [.. Shapes.Keys];

    /// <summary>A matrix as the lanes' registers hold it.</summary>
    static uint[] Fragments(float[,] matrix, Layout layout, int count, int bits, Func<float, uint> number)
    {
        var perLane = count * bits / 32;
        var registers = new uint[32 * perLane];
        for (var lane = 0; lane < 32; lane++)
            for (var i = 0; i < count; i++)
            {
                var (row, column) = layout(lane >> 2, lane % 4, i);
                registers[lane * perLane + i * bits / 32] |= number(matrix[row, column]) << i * bits % 32;
            }
        return registers;
    }

    static float[,] Matrix(uint[] registers, int start, int bits)
    {
        var matrix = new float[16, 8];
        var perLane = 4 * bits / 32;
        for (var lane = 0; lane < 32; lane++)
            for (var i = 0; i < 4; i++)
            {
                var (row, column) = Accumulator(lane >> 2, lane % 4, i);
                var register = registers[start + lane * perLane + i * bits / 32];
                matrix[row, column] = bits == 32 ? BitConverter.UInt32BitsToSingle(register) : (float)BitConverter.UInt16BitsToHalf((ushort)(register >> i * bits % 32));
            }
        return matrix;
    }

    /// <summary>A kernel in which block b multiplies the b-th fragments.</summary>
    static string Kernel(Shape shape)
    {
        var counts = new[] { shape.ACount * shape.ElementBits / 32, shape.BCount * shape.ElementBits / 32, 4 * shape.AccumulatorBits / 32, 4 * shape.AccumulatorBits / 32 };
        string Registers(int k) => $"{{{string.Join(", ", Enumerable.Range(0, counts[k]).Select(r => $"%{"abcd"[k]}{r}"))}}}";
        var text = new System.Text.StringBuilder(".reg .b32 %a<4>, %b<4>, %c<4>, %d<4>, %lane, %block; .reg .b64 %p<4>, %offset;\n");
        text.Append("mov.u32 %block, %ctaid.x; mov.u32 %lane, %tid.x; mad.lo.u32 %lane, %block, 32, %lane;\n");
        for (var k = 0; k < 4; k++)
        {
            text.Append($"ld.param.u64 %p{k}, [p{k}]; mul.wide.u32 %offset, %lane, {4 * counts[k]}; add.u64 %p{k}, %p{k}, %offset;\n");
            for (var r = 0; k < 3 && r < counts[k]; r++) text.Append($"ld.global.b32 %{"abc"[k]}{r}, [%p{k}+{4 * r}];\n");
        }
        text.Append($"mma.sync.aligned.{shape.Opcode} {Registers(3)}, {Registers(0)}, {Registers(1)}, {Registers(2)};\n");
        for (var r = 0; r < counts[3]; r++) text.Append($"st.global.b32 [%p3+{4 * r}], %d{r};\n");
        return text.Append("ret;").ToString();
    }

    static float[][,] Multiply(Shape shape, (float[,] A, float[,] B, float[,] C)[] cases)
    {
        using var gpu = VirtualKernels.Body(Kernel(shape), 4);
        uint[] a = [.. cases.SelectMany(c => Fragments(c.A, shape.A, shape.ACount, shape.ElementBits, shape.Bits))];
        uint[] b = [.. cases.SelectMany(c => Fragments(c.B, shape.B, shape.BCount, shape.ElementBits, shape.Bits))];
        uint[] c = [.. cases.SelectMany(x => Fragments(x.C, Accumulator, 4, shape.AccumulatorBits, shape.AccumulatorBits == 32 ? BitConverter.SingleToUInt32Bits : HalfBits))];
        var d = gpu.Room<uint>(c.Length);
        var counters = gpu.Run("k", new(cases.Length), new(32), gpu.New(a), gpu.New(b), gpu.New(c), d);
        Assert.Equal(cases.Length, counters.Mma);
        Assert.Equal(cases.Length * 2L * 16 * 8 * shape.K, counters.MmaFlops);
        var registers = gpu.Read<uint>(d, c.Length);
        return [.. Enumerable.Range(0, cases.Length).Select(k => Matrix(registers, k * c.Length / cases.Length, shape.AccumulatorBits))];
    }

    static float[,] Filled(int rows, int columns, Func<int, int, float> value)
    {
        var matrix = new float[rows, columns];
        for (var r = 0; r < rows; r++) for (var c = 0; c < columns; c++) matrix[r, c] = value(r, c);
        return matrix;
    }

    static float[,] OneHot(int rows, int columns, int at) => Filled(rows, columns, (r, c) => r * columns + c == at ? 1 : 0);

    [Theory, MemberData(nameof(Opcodes))]
    public void EveryElementOfAChoosesItsRowOfB(string opcode)
    {
        var shape = Shapes[opcode];
        var b = Filled(shape.K, 8, (k, n) => k * 8 + n + 1);
        var products = Multiply(shape, [.. Enumerable.Range(0, 16 * shape.K).Select(at => (OneHot(16, shape.K, at), b, new float[16, 8]))]);
        for (var at = 0; at < products.Length; at++)
            Assert.Equal(Filled(16, 8, (r, n) => r == at / shape.K ? b[at % shape.K, n] : 0), products[at]);
    }

    [Theory, MemberData(nameof(Opcodes))]
    public void EveryElementOfBChoosesItsColumnOfA(string opcode)
    {
        var shape = Shapes[opcode];
        var a = Filled(16, shape.K, (r, k) => r * shape.K + k + 1);
        var products = Multiply(shape, [.. Enumerable.Range(0, shape.K * 8).Select(at => (a, OneHot(shape.K, 8, at), new float[16, 8]))]);
        for (var at = 0; at < products.Length; at++)
            Assert.Equal(Filled(16, 8, (r, n) => n == at % 8 ? a[r, at / 8] : 0), products[at]);
    }

    [Theory, MemberData(nameof(Opcodes))]
    public void EveryElementOfCStaysWhereItIs(string opcode)
    {
        var shape = Shapes[opcode];
        var products = Multiply(shape, [.. Enumerable.Range(0, 128).Select(at => (new float[16, shape.K], new float[shape.K, 8], OneHot(16, 8, at)))]);
        for (var at = 0; at < products.Length; at++) Assert.Equal(OneHot(16, 8, at), products[at]);
    }

    [Theory, MemberData(nameof(Opcodes))]
    public void RandomProductsAreThoseOfDoublePrecision(string opcode)
    {
        var shape = Shapes[opcode];
        var random = new Random(3);
        // Numbers of few bits, so that every type holds them and sums lose little.
        float[,] Some(int rows, int columns) => Filled(rows, columns, (_, _) => random.Next(-64, 65) / 32f);
        var cases = Enumerable.Range(0, 8).Select(_ => (A: Some(16, shape.K), B: Some(shape.K, 8), C: Some(16, 8))).ToArray();
        var products = Multiply(shape, cases);
        for (var k = 0; k < cases.Length; k++)
            for (var r = 0; r < 16; r++)
                for (var n = 0; n < 8; n++)
                {
                    var exact = (double)cases[k].C[r, n];
                    for (var x = 0; x < shape.K; x++) exact += (double)cases[k].A[r, x] * cases[k].B[x, n];
                    Assert.Equal(shape.AccumulatorBits == 32 ? exact : (double)(Half)exact, products[k][r, n]);
                }
    }

    [Fact]
    public void SubnormalAndInfiniteHalvesAreNumbersToo()
    {
        var shape = Shapes["m16n8k16.row.col.f32.f16.f16.f32"];
        float[] values = [5.9604645e-08f, 6.0975552e-05f, 6.1035156e-05f, 65504, float.PositiveInfinity, float.NegativeInfinity, -5.9604645e-08f, -0.0f];
        var products = Multiply(shape, [.. values.Select(value => (Filled(16, 16, (r, k) => r == k ? value : 0), Filled(16, 8, (k, n) => k == n ? 1 : 0), new float[16, 8]))]);
        for (var k = 0; k < values.Length; k++)
            if (float.IsFinite(values[k])) Assert.Equal(Filled(16, 8, (r, n) => r == n ? values[k] : 0), products[k]);
            else Assert.Equal(values[k], float.IsNaN(products[k][0, 0]) ? 0 : products[k][0, 0]);
    }

    [Fact]
    public void ProductsInDivergentCodeTrap()
    {
        using var gpu = VirtualKernels.Body("""
            .reg .b32 %a<4>; .reg .f32 %c<4>; .reg .pred %p;
            mov.u32 %a0, %tid.x; setp.eq.u32 %p, %a0, 7;
            mov.u32 %a1, 0; mov.f32 %c0, 0f00000000;
            @%p bra done;
            mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%c0, %c1, %c2, %c3}, {%a1, %a1, %a1, %a1}, {%a1, %a1}, {%c0, %c0, %c0, %c0};
            done: ret;
            """, 0);
        var trap = Assert.Throws<TrapException>(() => gpu.Run("k", new(1), new(32)));
        Assert.Contains("a matrix product in divergent code: only lanes ffffff7f", trap.Message, StringComparison.Ordinal);
    }
}

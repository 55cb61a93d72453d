using PeaEngine.Backends;

namespace PeaEngine.Tests.Ops;

public unsafe class VectorMathTests
{
    [Theory, ClassData(typeof(SupportedIsas))]
    public void ExpIsWithinTwoUlp(CpuIsa isa) => AssertUlp(isa, Function.Exp, Math.Exp, -87.3, 88.7);

    [Theory, ClassData(typeof(SupportedIsas))]
    public void Exp2IsWithinTwoUlp(CpuIsa isa) => AssertUlp(isa, Function.Exp2, x => Math.Pow(2, x), -126, 127);

    [Theory, ClassData(typeof(SupportedIsas))]
    public void ExponentialsAreRightAtTheEdges(CpuIsa isa)
    {
        float[] x = [float.NegativeInfinity, -1e30f, -200, 0, 1, 89.1f, 1e30f, float.PositiveInfinity, float.NaN];
        Assert.Equal([0, 0, 0, 1, MathF.E, float.PositiveInfinity, float.PositiveInfinity, float.PositiveInfinity, float.NaN], Map(isa, Function.Exp, x));
        float[] z = [float.NegativeInfinity, -1e30f, -200, 0, 1, -1, 127, float.NaN];
        Assert.Equal([0, 0, 0, 1, 2, 0.5f, MathF.Pow(2, 127), float.NaN], Map(isa, Function.Exp2, z));
    }

    // Relative to the value itself for x > 0; the far negative side ends in e^(−x²/2), whose argument is rounded.
    [Theory, ClassData(typeof(SupportedIsas))]
    public void GeluIsExact(CpuIsa isa)
    {
        AssertClose(isa, Function.Gelu, x => x * Reference.Normal(x), -5, 20, 2e-6);
        AssertClose(isa, Function.Gelu, x => x * Reference.Normal(x), -13, -5, 1e-5);
    }

    [Theory, ClassData(typeof(SupportedIsas))]
    public void SiluIsExact(CpuIsa isa) => AssertClose(isa, Function.Silu, x => x / (1 + Math.Exp(-x)), -80, 100, 1e-6);

    // The argument of the exponential is rounded before it: up to |u| · 2⁻²⁴ of relative error for u near −40.
    [Theory, ClassData(typeof(SupportedIsas))]
    public void QuickGeluIsExact(CpuIsa isa) => AssertClose(isa, Function.QuickGelu, x => x / (1 + Math.Exp(-1.702 * x)), -20, 100, 5e-6);

    [Theory, ClassData(typeof(SupportedIsas))]
    public void GeluTanhIsExact(CpuIsa isa) =>
        AssertClose(isa, Function.GeluTanh, x => x / (1 + Math.Exp(-2 * Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))), -5, 20, 5e-6);

    [Theory, ClassData(typeof(SupportedIsas))]
    public void ActivationsVanishAtMinusInfinity(CpuIsa isa)
    {
        foreach (var function in (Function[])[Function.Silu, Function.Gelu, Function.GeluTanh, Function.QuickGelu])
            Assert.All(Map(isa, function, [-1e4f, -1e3f, 0]), value => Assert.Equal(0, value));
    }

    // Where a derivative is near zero it is a difference: its error is that of values near one.
    [Theory, ClassData(typeof(SupportedIsas))]
    public void DerivativesAreExact(CpuIsa isa)
    {
        var x = Sweep(-90, 90);
        foreach (var activation in Activations)
        {
            var (slopes, values) = Differentiate(isa, activation, x);
            for (var i = 0; i < x.Length; i++)
            {
                var (slope, value) = (Reference.Derivative(x[i], activation), Reference.Activate(x[i], activation));
                if (!(Math.Abs(slopes[i] - slope) <= 5e-7)) Assert.Fail($"{activation}′({x[i]:R}) = {slopes[i]:R}, expected {slope:R}");
                if (!(Math.Abs(values[i] - value) <= 1e-6 * Math.Max(1, Math.Abs(value)))) Assert.Fail($"{activation}({x[i]:R}) = {values[i]:R}, expected {value:R}");
            }
        }
    }

    [Theory, ClassData(typeof(SupportedIsas))]
    public void DerivativesEndInZeroAndOne(CpuIsa isa)
    {
        foreach (var activation in Activations)
        {
            Assert.All(Differentiate(isa, activation, [-1e3f, -1e7f, -1e15f]).Slopes, value => Assert.Equal(0, value, 1e-20f));
            Assert.All(Differentiate(isa, activation, [1e3f, 1e7f, 1e15f]).Slopes, value => Assert.Equal(1, value));
            Assert.All(Differentiate(isa, activation, [0, -0f, float.Epsilon, -float.Epsilon, 1e-38f, -1e-38f]).Slopes, value => Assert.Equal(0.5f, value, 1e-7f));
            Assert.Equal(float.NaN, Assert.Single(Differentiate(isa, activation, [float.NaN]).Slopes));
        }
    }

    [Theory, ClassData(typeof(SupportedIsas))]
    public void EveryHalfIsReadExactly(CpuIsa isa)
    {
        var halves = new ushort[65536];
        for (var i = 0; i < halves.Length; i++) halves[i] = (ushort)i;
        var values = Load<StoredF16>(isa, halves);
        for (var i = 0; i < values.Length; i++) AssertSame((float)BitConverter.UInt16BitsToHalf((ushort)i), values[i]);
    }

    [Theory, ClassData(typeof(SupportedIsas))]
    public void EveryBFloat16IsReadExactly(CpuIsa isa)
    {
        var brains = new ushort[65536];
        for (var i = 0; i < brains.Length; i++) brains[i] = (ushort)i;
        var values = Load<StoredBF16>(isa, brains);
        for (var i = 0; i < values.Length; i++) AssertSame(BitConverter.Int32BitsToSingle(i << 16), values[i]);
    }

    [Theory, ClassData(typeof(SupportedIsas))]
    public void PartialVectorsStayWithinTheirCount(CpuIsa isa) => Run(isa, new PartialJob());

    [Theory, ClassData(typeof(SupportedIsas))]
    public void ReductionsSeeEveryElement(CpuIsa isa) => Run(isa, new ReductionJob());

    enum Function { Exp, Exp2, Silu, Gelu, GeluTanh, QuickGelu }

    static readonly Activation[] Activations = [Activation.Silu, Activation.Gelu, Activation.GeluTanh, Activation.QuickGelu];

    static void AssertUlp(CpuIsa isa, Function function, Func<double, double> exact, double from, double to)
    {
        var x = Sweep(from, to);
        var y = Map(isa, function, x);
        for (var i = 0; i < x.Length; i++)
        {
            var expected = exact(x[i]);
            var ulp = Math.Abs(y[i] - expected) / (MathF.BitIncrement((float)expected) - (float)expected);
            if (!(ulp <= 2)) Assert.Fail($"{function}({x[i]:R}) = {y[i]:R} is {ulp} ulp from {expected:R}");
        }
    }

    static void AssertClose(CpuIsa isa, Function function, Func<double, double> exact, double from, double to, double tolerance)
    {
        var x = Sweep(from, to);
        var y = Map(isa, function, x);
        for (var i = 0; i < x.Length; i++)
        {
            var expected = exact(x[i]);
            if (!(Math.Abs(y[i] - expected) <= tolerance * Math.Abs(expected) + 1e-37)) Assert.Fail($"{function}({x[i]:R}) = {y[i]:R}, expected {expected:R}");
        }
    }

    static float[] Sweep(double from, double to) => [.. Enumerable.Range(0, 50_003).Select(i => (float)(from + (to - from) * i / 50_002))];

    static void AssertSame(float expected, float actual)
    {
        if (!float.IsNaN(expected)) Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(actual));
        else Assert.True(float.IsNaN(actual));
    }

    static float[] Map(CpuIsa isa, Function function, float[] x)
    {
        var y = new float[x.Length];
        fixed (float* px = x, py = y) Run(isa, new MapJob(function, px, py, x.Length));
        return y;
    }

    static (float[] Slopes, float[] Values) Differentiate(CpuIsa isa, Activation activation, float[] x)
    {
        var (slopes, y) = (new float[x.Length], new float[x.Length]);
        fixed (float* px = x, ps = slopes, py = y) Run(isa, new DerivativeJob(activation, px, ps, py, x.Length));
        return (slopes, y);
    }

    static float[] Load<T>(CpuIsa isa, ushort[] source) where T : struct, IStored
    {
        var y = new float[source.Length];
        fixed (ushort* px = source)
        fixed (float* py = y) Run(isa, new LoadJob<T>(px, py, y.Length));
        return y;
    }

    static void Run<TJob>(CpuIsa isa, TJob job) where TJob : struct, ISimdJob
    {
        using var backend = new CpuBackend(1, isa);
        backend.Run(job, 1);
    }

    readonly struct MapJob(Function function, float* x, float* y, int count) : ISimdJob
    {
        readonly float* x = x, y = y;

        public void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            for (var i = 0; i < count; i += S.Width)
            {
                var n = Math.Min(S.Width, count - i);
                var value = S.Load(x + i, n);
                S.Store(y + i, function switch
                {
                    Function.Exp => VectorMath.Exp<S, V>(value),
                    Function.Exp2 => VectorMath.Exp2<S, V>(value),
                    Function.Silu => VectorMath.Activate<S, V>(value, Activation.Silu),
                    Function.Gelu => VectorMath.Activate<S, V>(value, Activation.Gelu),
                    Function.GeluTanh => VectorMath.Activate<S, V>(value, Activation.GeluTanh),
                    _ => VectorMath.Activate<S, V>(value, Activation.QuickGelu),
                }, n);
            }
        }
    }

    readonly struct DerivativeJob(Activation activation, float* x, float* slopes, float* y, int count) : ISimdJob
    {
        readonly float* x = x, slopes = slopes, y = y;

        public void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            for (var i = 0; i < count; i += S.Width)
            {
                var n = Math.Min(S.Width, count - i);
                S.Store(slopes + i, VectorMath.Derivative<S, V>(S.Load(x + i, n), activation, out var value), n);
                S.Store(y + i, value, n);
            }
        }
    }

    readonly struct LoadJob<T>(ushort* x, float* y, int count) : ISimdJob where T : struct, IStored
    {
        readonly ushort* x = x;
        readonly float* y = y;

        public void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            for (var i = 0; i < count; i += S.Width) S.Store(y + i, T.Load<S, V>(x + i));
        }
    }

    readonly struct PartialJob : ISimdJob
    {
        public void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            float* x = stackalloc float[16], y = stackalloc float[32];
            var half = stackalloc ushort[16];
            for (var i = 0; i < 16; i++) (x[i], half[i]) = (i + 1, (ushort)(0x3f80 + i));
            for (var n = 0; n <= S.Width; n++)
            {
                S.Store(y, S.Load(x, n));
                for (var i = 0; i < S.Width; i++) Assert.Equal(i < n ? x[i] : 0, y[i]);
                S.Store(y, StoredBF16.Load<S, V>(half, n));
                for (var i = 0; i < S.Width; i++) Assert.Equal(i < n ? StoredBF16.Load(half + i) : 0, y[i]);
                S.Store(y, StoredF16.Load<S, V>(half, n));
                for (var i = 0; i < S.Width; i++) Assert.Equal(i < n ? StoredF16.Load(half + i) : 0, y[i]);
                for (var i = 0; i < 32; i++) y[i] = -7;
                S.Store(y, S.Load(x), n);
                for (var i = 0; i < 32; i++) Assert.Equal(i < n ? x[i] : -7, y[i]);
            }
        }
    }

    readonly struct ReductionJob : ISimdJob
    {
        public void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            var x = stackalloc float[S.Width];
            for (var hot = 0; hot < S.Width; hot++)
            {
                for (var i = 0; i < S.Width; i++) x[i] = i == hot ? 5 : -1;
                Assert.Equal(5 - (S.Width - 1), S.Sum(S.Load(x)));
                Assert.Equal(5, S.Max(S.Load(x)));
            }
        }
    }
}

using System.Diagnostics;
using System.Runtime.CompilerServices;
using PeaEngine.Backends;

namespace PeaEngine.Perf;

/// <summary>
/// What all threads together can multiply and add when nothing else is asked of them: independent chains in registers. The most
/// that any kernel could reach, measured beside every benchmark since processors in the cloud change their speed.
/// </summary>
static class FmaPeak
{
    const int Chains = 12, Steps = 400_000;

    /// <summary>In 10⁹ operations a second.</summary>
    public static double Measure(CpuBackend backend)
    {
        var items = backend.Threads * 8;
        var width = backend.Isa switch { CpuIsa.Avx512 => 16, CpuIsa.Avx2 => 8, _ => 4 };
        var start = Stopwatch.GetTimestamp();
        backend.Run(new Job(), items);
        return 2.0 * items * Steps * Chains * width / Stopwatch.GetElapsedTime(start).TotalSeconds * 1e-9;
    }

    readonly unsafe struct Job : ISimdJob
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            V x = S.Create(0.999f), y = S.Create(1e-3f);
            V a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
            for (var step = 0; step < Steps; step++)
            {
                a = S.Fma(a, x, y);
                b = S.Fma(b, x, y);
                c = S.Fma(c, x, y);
                d = S.Fma(d, x, y);
                e = S.Fma(e, x, y);
                f = S.Fma(f, x, y);
                g = S.Fma(g, x, y);
                h = S.Fma(h, x, y);
                i = S.Fma(i, x, y);
                j = S.Fma(j, x, y);
                k = S.Fma(k, x, y);
                l = S.Fma(l, x, y);
            }
            var sum = S.Add(S.Add(S.Add(a, b), S.Add(c, d)), S.Add(S.Add(S.Add(e, f), S.Add(g, h)), S.Add(S.Add(i, j), S.Add(k, l))));
            if (S.Sum(sum) < 0) throw new InvalidOperationException("the sum of positive numbers is negative");
        }
    }
}

using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void RescaleGuidance(Tensor noise, Tensor text, float phi)
    {
        var batch = noise.Shape[0];
        if (noise.Elements == 0) return;
        Run(new RescaleJob { Noise = (float*)noise.Address, Text = (float*)text.Address, Size = noise.Elements / batch, Phi = phi }, batch);
    }

    /// <summary>One sample.</summary>
    struct RescaleJob : ISimdJob
    {
        public float* Noise, Text;
        public long Size;
        public float Phi;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            float* noise = Noise + index * Size, text = Text + index * Size;
            var factor = S.Create((float)(Phi * Deviation(text, Size) / Deviation(noise, Size) + 1 - Phi));
            for (long i = 0; i < Size; i += S.Width)
                SimdBlock.Store<S, V>(noise + i, S.Mul(SimdBlock.Load<S, V>(noise + i, Size - i), factor), Size - i);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        static double Deviation(float* x, long size)
        {
            double mean = 0, squares = 0;
            for (long i = 0; i < size; i++) mean += x[i];
            mean /= size;
            for (long i = 0; i < size; i++) squares += (x[i] - mean) * (x[i] - mean);
            return Math.Sqrt(squares / (size - 1));
        }
    }
}

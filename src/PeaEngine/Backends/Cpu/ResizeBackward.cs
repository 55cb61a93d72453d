using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void ResizeBackward(Tensor dy, Tensor dx) => Run(new ResizeBackwardJob
    {
        Dy = (float*)dy.Address,
        Dx = (float*)dx.Address,
        Height = dx.Shape[1],
        Width = dx.Shape[2],
        FromHeight = dy.Shape[1],
        FromWidth = dy.Shape[2],
        Channels = dx.Shape[3],
    }, dx.Shape[0] * dx.Shape[1]);

    /// <summary>A line of dx. Pixel i became those from ⌈i · from / size⌉ on, since resizing takes ⌊j · size / from⌋.</summary>
    struct ResizeBackwardJob : ISimdJob
    {
        public float* Dy, Dx;
        public int Height, Width, FromHeight, FromWidth, Channels;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            int image = index / Height, line = index - image * Height;
            int top = First(line, FromHeight, Height), bottom = First(line + 1, FromHeight, Height);
            for (var x = 0; x < Width; x++)
            {
                var to = Dx + ((long)index * Width + x) * Channels;
                new Span<float>(to, Channels).Clear();
                int left = First(x, FromWidth, Width), right = First(x + 1, FromWidth, Width);
                for (var fromY = top; fromY < bottom; fromY++)
                    for (var fromX = left; fromX < right; fromX++)
                    {
                        var from = Dy + (((long)image * FromHeight + fromY) * FromWidth + fromX) * Channels;
                        for (var c = 0; c < Channels; c += S.Width)
                            SimdBlock.Store<S, V>(to + c, S.Add(SimdBlock.Load<S, V>(to + c, Channels - c), SimdBlock.Load<S, V>(from + c, Channels - c)), Channels - c);
                    }
            }
        }

        static int First(int i, int from, int size) => (int)(((long)i * from + size - 1) / size);
    }
}

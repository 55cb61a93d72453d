using System.Runtime.CompilerServices;
using PeaEngine.Randomness;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Normals(ulong seed, uint stream, Tensor positions, Tensor y)
    {
        int rows = y.Shape[0], length = rows == 0 ? 0 : checked((int)(y.Elements / rows)), parts = SimdBlock.Count(length, NormalsJob.Part);
        Run(new NormalsJob { Seed = seed, Stream = stream, Positions = (ulong*)positions.Address, Y = (float*)y.Address, Length = length, Parts = parts }, rows * parts);
    }

    /// <summary>A part of a row: a number follows from its place alone.</summary>
    struct NormalsJob : ISimdJob
    {
        /// <summary>A multiple of what is transformed at once.</summary>
        public const int Part = 1024;

        public ulong Seed;
        public uint Stream;
        public ulong* Positions;
        public float* Y;
        public int Length, Parts;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
        {
            int row = index / Parts, start = index % Parts * Part, end = Math.Min(Length, start + Part);
            var y = new Span<float>(Y + (long)row * Length, Length);
            Span<float> block = stackalloc float[BoxMuller.Block];
            for (var at = start; at < end; at += BoxMuller.Block)
            {
                Philox.NormalBlock(Seed, Stream, Positions[row], (uint)(at / BoxMuller.Block), block);
                block[..Math.Min(BoxMuller.Block, end - at)].CopyTo(y[at..]);
            }
        }
    }
}

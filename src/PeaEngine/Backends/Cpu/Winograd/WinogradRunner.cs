using System.Runtime.Intrinsics;

namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <summary>Transformed inputs, which all threads write and then read.</summary>
    readonly CpuWorkspace transformedInputs = new();

    bool TryWinograd<TColumns>(in ConvShape shape, float* x, TColumns weights, GemmEpilogue epilogue) where TColumns : struct, IGemmColumns => KernelFor(weights.Count) switch
    {
        CpuIsa.Avx512 => TryWinograd<TColumns, GemmAvx512, Simd512, Vector512<float>>(shape, x, weights, epilogue),
        CpuIsa.Avx2 => TryWinograd<TColumns, GemmAvx2, Simd256, Vector256<float>>(shape, x, weights, epilogue),
        _ => TryWinograd<TColumns, GemmPortable, Simd128, Vector128<float>>(shape, x, weights, epilogue),
    };

    bool TryWinograd<TColumns, G, S, V>(in ConvShape shape, float* x, TColumns weights, GemmEpilogue epilogue)
        where TColumns : struct, IGemmColumns where G : struct, IGemmKernel where S : struct, ISimd<V> where V : unmanaged
    {
        if (!WinogradPlan.Pays(shape, G.Rows, G.Columns)) return false;
        var plan = new WinogradPlan(shape, Threads, G.Rows, G.Columns);
        var size = plan.InputSize(G.Rows);
        var inputs = (float*)transformedInputs.Get((size + shape.InChannels) * sizeof(float));
        var zeros = inputs + size;
        new Span<float>(zeros, shape.InChannels).Clear();
        for (var tile = 0; tile < plan.Tiles; tile += plan.BlockTiles)
        {
            var tiles = Math.Min(plan.BlockTiles, plan.Tiles - tile);
            var input = new WinogradInputJob<S, V>(shape, plan, x, zeros, inputs, tile, tiles, G.Rows, workspaces);
            workers.Run(ref input, WinogradPlan.Slivers(tiles, G.Rows) * plan.DepthBlocks);
            var output = new WinogradOutputJob<TColumns, G, S, V>(shape, plan, weights, epilogue, inputs, tile, tiles, workspaces);
            workers.Run(ref output, plan.Panels * plan.Groups);
        }
        return true;
    }
}

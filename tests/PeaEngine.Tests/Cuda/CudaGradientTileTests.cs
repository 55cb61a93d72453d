using PeaEngine.Backends;
using PeaEngine.Tests.Ops;
using PeaEngine.VirtualGpu.Driver;

namespace PeaEngine.Tests.Cuda;

/// <summary>
/// The gradients' products with each of their tiles, which the rule would choose for large shapes only: here the device's table asks for them. Rows and columns are more than a tile's, or end
/// within one; a weight's gradient is added to in place, or has parts.
/// </summary>
public sealed class CudaGradientTileTests : IDisposable
{
    static readonly (string Program, TileKey Key, ProductTile[] Tiles, OpCase Case)[] Products =
    [
        Input(130, 40, 136), Input(24, 72, 264), Weight(136, 136, 40), Weight(48, 136, 520), ConvolvedInput(new(1, 6, 23, 136, 16)), ConvolvedInput(new(2, 5, 4, 264, 16, Stride: 2)),
        ConvolvedWeight(new(1, 5, 7, 16, 136)), ConvolvedWeight(new(1, 17, 31, 24, 40)),
    ];

    readonly TemporaryFolder folder = new();

    public static TheoryData<int, DType, string> Data
    {
        get
        {
            var data = new TheoryData<int, DType, string>();
            for (var i = 0; i < Products.Length; i++)
                foreach (var tile in Products[i].Tiles)
                    foreach (var type in (DType[])[DType.F16, DType.BF16]) data.Add(i, type, tile.Name);
            return data;
        }
    }

    public void Dispose() => folder.Dispose();

    [NvrtcTheory, MemberData(nameof(Data))]
    public void EveryTileMatchesTheReference(int product, DType type, string tile)
    {
        var (program, key, _, @case) = Products[product];
        using var context = CudaTestDevice.OpenWithoutProducts();
        var table = new TileTable(context);
        table.Set(key with { Type = type }, tile);
        table.Save(folder.Path);
        using var backend = new CudaBackend(context, type) { TileFolder = folder.Path };
        VirtualContext.Current?.ForgetLaunches();
        CudaOpTests.Check(backend, [@case], type);
        if (!CudaTestDevice.IsReal) Assert.Contains($"{program}_{tile}_{(type == DType.F16 ? "f16" : "bf16")}", VirtualContext.Current!.Launches.Select(launch => launch.Kernel));
    }

    static (string, TileKey, ProductTile[], OpCase) Input(int rows, int depth, int columns) =>
        ("linear_backward", new("linear_backward", DType.F16, rows, columns, depth), [ProductTile.Wide, ProductTile.Small], LinearBackwardTests.Case((rows, depth, columns), DType.F16, residual: true, inPlace: true));

    static (string, TileKey, ProductTile[], OpCase) Weight(int rows, int columns, int depth) =>
        ("linear_weight_backward", new("linear_weight_backward", DType.F16, SumParts.Of(rows, columns, depth).Count * rows, columns, depth), [ProductTile.Wide, ProductTile.Small],
            LinearWeightBackwardTests.Case((depth, rows, columns)));

    static (string, TileKey, ProductTile[], OpCase) ConvolvedInput(ConvCase shape) =>
        ("conv2d_backward", new("conv2d_backward", DType.F16, shape.Batch * shape.Height * shape.Width, shape.In, shape.Kernel * shape.Kernel * shape.Out), [ProductTile.Widest, ProductTile.Wide, ProductTile.Small],
            Conv2dBackwardTests.Case(shape, DType.F16, residual: true, inPlace: false));

    static (string, TileKey, ProductTile[], OpCase) ConvolvedWeight(ConvCase shape)
    {
        int columns = shape.Kernel * shape.Kernel * shape.In, pixels = shape.Batch * shape.OutHeight * shape.OutWidth;
        return ("conv2d_weight_backward", new("conv2d_weight_backward", DType.F16, SumParts.Of(shape.Out, columns, pixels).Count * shape.Out, columns, pixels), [ProductTile.Wide, ProductTile.Small],
            Conv2dWeightBackwardTests.Case(shape));
    }
}

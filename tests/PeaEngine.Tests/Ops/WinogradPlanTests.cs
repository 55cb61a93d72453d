using PeaEngine.Backends;

namespace PeaEngine.Tests.Ops;

public class WinogradPlanTests
{
    [Theory]
    [InlineData(1, 64, 320, 320, 3, 1, true)]
    [InlineData(1, 32, 640, 640, 3, 1, true)]
    [InlineData(1, 16, 1280, 1280, 3, 1, true)]
    [InlineData(1, 512, 128, 128, 3, 1, true)]
    [InlineData(2, 16, 32, 32, 3, 1, true)]
    [InlineData(1, 64, 320, 4, 3, 1, true)]
    // Two tiles do not pay for the weights' transform.
    [InlineData(2, 4, 192, 192, 3, 1, false)]
    // Latents have too few channels; strides, and other kernels.
    [InlineData(1, 64, 4, 320, 3, 1, false)]
    [InlineData(1, 64, 320, 320, 3, 2, false)]
    [InlineData(1, 64, 320, 320, 1, 1, false)]
    public void PaysWhereItIsFaster(int batch, int size, int inChannels, int outChannels, int kernel, int stride, bool pays)
    {
        using var backend = new NullBackend();
        using var storage = backend.Allocate(1 << 30);
        Tensor x = new(storage, 0, [batch, size, size, inChannels], DType.F32), y = new(storage, 0, [batch, size / stride, size / stride, outChannels], DType.F32);
        var shape = new ConvShape(x, new Tensor(storage, 0, [outChannels, kernel, kernel, inChannels], DType.F16), y, new(stride, kernel / 2));
        Assert.Equal(pays, WinogradPlan.Pays(shape, GemmAvx512.Rows, GemmAvx512.Columns));
    }
}

using PeaEngine.Formats;
using PeaEngine.Layers;

namespace PeaEngine.Tests.Models;

/// <summary>What stands in for a stored weight, and that nothing of it stays.</summary>
public class WeightTests
{
    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.F16)]
    [InlineData(DType.BF16)]
    public void AnF32CopyStandsInUntilTheStoredTensorIsRestored(DType dtype)
    {
        using var fixture = new ModelFixture(1 << 16);
        using var folder = new TemporaryFolder();
        var bytes = new byte[6 * dtype.SizeInBytes()];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)(i * 11 % 64);
        SafetensorsWriter.Write(folder.At("w.safetensors"), [TensorContent.FromBytes(new("weight", dtype, [2, 3]), bytes)]);
        using var source = SafetensorsFile.Open(folder.At("w.safetensors"));
        WeightStore? store = null;
        var linear = WeightStore.Load(fixture.Backend, source, taken =>
        {
            store = taken;
            return new Linear(taken.Root, 3, 2, bias: false);
        });
        var weight = store!.Weights["weight"];
        var x = fixture.Upload([1, 3], [1, 0, 0]);
        var before = fixture.Download(linear.Forward(fixture.Pass, x));

        var copy = weight.Widen(fixture.Backend);
        Assert.Equal(before, fixture.Download(linear.Forward(fixture.Pass, x)));
        fixture.Backend.Upload([1f, 2, 3, 4, 5, 6], copy);
        Assert.Equal(copy.Address, weight.Widen(fixture.Backend).Address);
        Assert.Equal([1, 4], fixture.Download(linear.Forward(fixture.Pass, x)));
        weight.Narrow();
        Assert.Equal(before, fixture.Download(linear.Forward(fixture.Pass, x)));
        Assert.Equal(copy.Address, weight.Widen(fixture.Backend).Address);
        Assert.Equal([1, 4], fixture.Download(linear.Forward(fixture.Pass, x)));
        weight.Restore();

        Assert.Equal(0, copy.Storage.Address);
        Assert.Equal(before, fixture.Download(linear.Forward(fixture.Pass, x)));
        var stored = new byte[bytes.Length];
        fixture.Backend.Download(weight.Value, stored);
        Assert.Equal(bytes, stored);
        copy = weight.Widen(fixture.Backend);
        store.Dispose();
        Assert.Equal(0, copy.Storage.Address);
    }
}

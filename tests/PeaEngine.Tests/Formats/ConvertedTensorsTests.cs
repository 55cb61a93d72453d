using System.Runtime.InteropServices;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

public sealed class ConvertedTensorsTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void FloatsAreRoundedAndIntegersStay()
    {
        float[] values = [1, 0.1f, -65520, 1e-8f];
        var whole = new TensorInfo("whole", DType.I32, [2]);
        SafetensorsWriter.Write(folder.At("a.safetensors"), [TensorContent.FromSingles("a", [2, 2], values), TensorContent.FromBytes(whole, new byte[] { 1, 0, 0, 0, 2, 0, 0, 0 })]);
        using var file = TensorFile.Open(folder.At("a.safetensors"));
        using var source = new ConvertedTensors(file, DType.F16);
        using var tensors = new GoldenTensors(source);

        Assert.Equal(file.Path, source.Path);
        Assert.Equal("[2,2] F16", source.Tensors["a"].ToString());
        Assert.Equal(values.Select(value => (float)(Half)value), tensors["a"].Values);
        Assert.Equal([1, 2], tensors.Integers("whole"));
        var second = new byte[4];
        source.Read("a", 4, second);
        Assert.Equal([(Half)(-65520), (Half)1e-8f], MemoryMarshal.Cast<byte, Half>(second).ToArray());
        Assert.Contains("expected a range within its 8", Assert.Throws<PeaException>(() => source.Read("a", 8, second)).Message, StringComparison.Ordinal);
    }
}

using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Checkpoints;

public sealed class MappedTensorsTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>[6, 2] with the values 0 to 11, of which query is 0 to 3.</summary>
    [Theory]
    [InlineData(nameof(TensorForm.Query), 0)]
    [InlineData(nameof(TensorForm.Key), 4)]
    [InlineData(nameof(TensorForm.Value), 8)]
    public void AThirdIsSplitOff(string form, int first)
    {
        using var tensors = Read([6, 2], new("a", "b", Enum.Parse<TensorForm>(form)));

        Assert.Equal([2L, 2], tensors.Tensors["b"].Shape);
        AssertReads(tensors, "b", [.. Enumerable.Range(first, 4)]);
    }

    [Fact]
    public void AMatrixIsTurned()
    {
        using var tensors = Read([3, 4], new("a", "b", TensorForm.Transposed));

        Assert.Equal([4L, 3], tensors.Tensors["b"].Shape);
        AssertReads(tensors, "b", [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
    }

    [Fact]
    public void AConvolutionBecomesAMatrixAndABiasStays()
    {
        using var weight = Read([3, 4, 1, 1], new("a", "b", TensorForm.Pointwise));
        using var bias = Read([12], new("a", "b", TensorForm.Pointwise));

        Assert.Equal([3L, 4], weight.Tensors["b"].Shape);
        Assert.Equal([12L], bias.Tensors["b"].Shape);
    }

    /// <summary>What is mapped to the original and back is what it was.</summary>
    [Fact]
    public void PartsAreJoined()
    {
        float[] values = [.. Enumerable.Range(0, 12).Select(i => (float)i)];
        SafetensorsWriter.Write(folder.At("qkv.safetensors"), [.. "vqk".Select((name, i) => TensorContent.FromSingles(name.ToString(), [2, 2], values.AsMemory(4 * i, 4)))]);
        var source = SafetensorsFile.Open(folder.At("qkv.safetensors"));
        TensorForm[] forms = [TensorForm.Value, TensorForm.Query, TensorForm.Key];
        var parts = "vqk".Select((name, i) => (new KeyPair("in_proj", name.ToString(), forms[i]), source.Tensors[name.ToString()])).ToList();

        using var joined = new MappedTensors(source, new Dictionary<string, MappedTensor> { ["in_proj"] = MappedTensor.ToOriginal(parts) });

        Assert.Equal([6L, 2], joined.Tensors["in_proj"].Shape);
        AssertReads(joined, "in_proj", [4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3]);
        Assert.Throws<PeaException>(() => MappedTensor.ToOriginal(parts.Take(2)));
        Assert.Throws<PeaException>(() => MappedTensor.ToOriginal([.. parts.Take(2), (parts[2].Item1, new TensorInfo("k", DType.F16, [2, 2]))]));
    }

    [Fact]
    public void ShapesThatDoNotFitAreRefused()
    {
        Assert.Throws<PeaException>(() => MappedTensor.ToDiffusers(new("a", DType.F32, [4, 2]), new("a", "b", TensorForm.Key)));
        Assert.Throws<PeaException>(() => MappedTensor.ToDiffusers(new("a", DType.F32, []), new("a", "b", TensorForm.Query)));
        Assert.Throws<PeaException>(() => MappedTensor.ToDiffusers(new("a", DType.F32, [4]), new("a", "b", TensorForm.Transposed)));
        Assert.Throws<PeaException>(() => MappedTensor.ToDiffusers(new("a", DType.F32, [1 << 20, 1 << 20]), new("a", "b", TensorForm.Transposed)));
        using var tensors = Read([3, 4], new("a", "b"));
        Assert.Throws<PeaException>(() => tensors.Read("b", 1, new byte[48]));
        Assert.Throws<PeaException>(() => tensors.Read("a", 0, new byte[4]));
    }

    /// <summary>The values 0, 1, 2, … in this shape, mapped.</summary>
    MappedTensors Read(long[] shape, KeyPair pair)
    {
        var path = folder.At($"{Guid.NewGuid():n}.safetensors");
        SafetensorsWriter.Write(path, [TensorContent.FromSingles("a", shape, Enumerable.Range(0, (int)shape.Aggregate((a, b) => a * b)).Select(i => (float)i).ToArray())]);
        var source = SafetensorsFile.Open(path);
        return new(source, new Dictionary<string, MappedTensor> { [pair.Diffusers] = MappedTensor.ToDiffusers(source.Tensors["a"], pair) });
    }

    /// <summary>Whole, and from every byte on in pieces of every length.</summary>
    static void AssertReads(MappedTensors tensors, string name, int[] values)
    {
        var expected = values.SelectMany(value => BitConverter.GetBytes((float)value)).ToArray();
        for (var offset = 0; offset <= expected.Length; offset++)
            for (var length = 0; length <= expected.Length - offset; length++)
            {
                var piece = new byte[length];
                tensors.Read(name, offset, piece);
                Assert.Equal(expected[offset..(offset + length)], piece);
            }
    }
}

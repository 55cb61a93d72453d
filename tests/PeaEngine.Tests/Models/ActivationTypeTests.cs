using System.Runtime.InteropServices;
using PeaEngine.Backends;
using PeaEngine.Formats;
using PeaEngine.Tests.Cuda;

namespace PeaEngine.Tests.Models;

/// <summary>What is of the activations' type, what is F32 whatever that is, and what is converted between them.</summary>
public class ActivationTypeTests
{
    [Theory]
    [InlineData(DType.F32), InlineData(DType.F16), InlineData(DType.BF16)]
    public void TensorsAreOfTheActivationsTypeUnlessOneIsNamed(DType type)
    {
        using var backend = new NullBackend(type);
        using var arena = new Arena(backend, 1 << 20);
        var p = new Pass(backend, arena);
        Assert.Equal([type, type, type], [p.New([3]).DType, p.Keep([3]).DType, p.Save([3]).DType]);
        Assert.Equal([DType.F32, DType.I32], [p.New([3], DType.F32).DType, p.Keep([3], DType.I32).DType]);
        // What is overwritten keeps its type, also where it is another tensor.
        Assert.Equal(DType.F32, p.Saving().Over(p.New([3], DType.F32)).DType);
    }

    [Theory]
    [InlineData(DType.F16), InlineData(DType.BF16)]
    public void ACastIsTheTensorItselfOrAConvertedOne(DType type)
    {
        using var fixture = new ModelFixture();
        float[] values = [1, -0.3333333f, 1e-3f, 3e4f];
        var x = fixture.Upload([4], values);
        Assert.Equal(x.Address, fixture.Pass.Cast(x, DType.F32).Address);
        var y = fixture.Pass.Cast(x, type);
        Assert.Equal(type, y.DType);
        Assert.Equal(values.Select(value => Values.Round(value, type)), fixture.Download(y));
    }

    /// <summary>More values than are converted at once.</summary>
    [Theory]
    [InlineData(DType.F32), InlineData(DType.F16), InlineData(DType.BF16)]
    public void HostValuesAreRoundedToATensorsTypeAndBack(DType type)
    {
        using var fixture = new ModelFixture();
        var values = new float[(1 << 20) + 12345];
        for (var i = 0; i < values.Length; i++) values[i] = MathF.Sin(i) * 100;
        var tensor = fixture.Upload([values.Length], values, type);
        Assert.Equal(values.Select(value => Values.Round(value, type)), fixture.Download(tensor));
    }

    [Fact]
    public void OtherTensorsTakeNoHostValues()
    {
        using var fixture = new ModelFixture();
        var ids = fixture.Pass.New([2], DType.I32);
        Assert.Throws<PeaException>(() => fixture.Backend.Upload([1f, 2f], ids));
        Assert.Throws<PeaException>(() => fixture.Download(ids));
    }

    /// <summary>Half the bytes, but for what is F32 all the same.</summary>
    [Theory]
    [InlineData("sdxl"), InlineData("sd15")]
    public void AHalfTakesHalfTheMemory(string name)
    {
        if (!Directory.Exists(GoldenFolder.At("unet", name))) return;
        using NullBackend single = new(), half = new(DType.F16);
        using var unet = ModelFiles.LoadUNet(single, name);
        using var io = GoldenTensors.Open(GoldenFolder.At("unet", name, "io.safetensors"));
        var (sample, text) = (io["a.sample"].Shape, io["a.encoder_hidden_states"].Shape);
        double Bytes(Backend backend) => MeasuredArena.Measure(backend, p =>
        {
            Tensor? pooled = io.Has("a.text_embeds") ? p.New(Shape.Create(io["a.text_embeds"].Shape)) : null, ids = pooled == null ? null : p.New([sample[0], 6], DType.F32);
            var c = unet.Condition(p, p.New(Shape.Create(text)), pooled, ids);
            unet.Forward(p, p.New([sample[0], 64, 64, sample[1]]), p.New([sample[0]], DType.F32), c);
        });
        Assert.InRange(Bytes(half) / Bytes(single), 0.5, 0.505);
    }

    /// <summary>Matrices and convolutions are converted once, when they are loaded; vectors become F32, and what trains keeps its own type.</summary>
    [Theory]
    [InlineData(DType.F32, DType.F32), InlineData(DType.F16, DType.F16), InlineData(DType.BF16, DType.BF16)]
    public void WeightsOfA16BitBackendAreOfItsType(DType type, DType expected)
    {
        using Backend backend = type == DType.F32 ? Device.Open("cpu", 1) : new RoundedBackend(type);
        using var folder = new TemporaryFolder();
        using var source = Sines(folder.At("a.safetensors"), ("m.weight", [4, 3]), ("c.weight", [2, 3, 3, 3]), ("c.bias", [2]), ("a", [2, 3]), ("b", [2, 3]), ("t", [5, 3]));
        float[] Stored(string key, long elements)
        {
            var bytes = new byte[elements * sizeof(float)];
            source.Read(key, 0, bytes);
            return [.. MemoryMarshal.Cast<byte, float>(bytes).ToArray().Select(value => Values.Round(value, expected))];
        }
        float[] Loaded(Tensor tensor)
        {
            var values = new float[tensor.Elements];
            backend.Download(tensor, values);
            return values;
        }
        var (matrix, conv, bias, stacked, table, store) = WeightStore.Load(backend, source, store => ((store.Root / "m").TakeMatrix("weight", 4, 3), (store.Root / "c").TakeConv("weight", 2, 3, 3),
            (store.Root / "c").TakeVector("bias", 2), store.Root.TakeStacked("a", "b", 2, 3), store.Root.Take("t", [5, 3]), store));
        using (store)
        {
            Assert.Equal([expected, expected, DType.F32, expected, DType.F32], [matrix.Value.DType, conv.Value.DType, bias.DType, stacked.Value.DType, table.DType]);
            Assert.Equal(Stored("m.weight", 12), Loaded(matrix.Value));
            Assert.Equal([.. Stored("a", 6), .. Stored("b", 6)], Loaded(stacked.Value));
            var (from, turned) = (Stored("c.weight", 54), Loaded(conv.Value));
            for (var i = 0; i < from.Length; i++) Assert.Equal(from[i], turned[i / 27 * 27 + i % 9 * 3 + i / 9 % 3]);
        }
        WeightStore.Load(backend, source, kept => { Assert.Equal(DType.F32, (kept.Root / "m").TakeMatrix("weight", 4, 3).Value.DType); return kept; }, keepsTypes: true).Dispose();
    }

    /// <summary>Powers of two, in whatever type: the values times it, to the bit.</summary>
    [Fact]
    public void ScaledWeightsAreExact()
    {
        using var backend = new RoundedBackend(DType.F16);
        using var folder = new TemporaryFolder();
        using var source = Sines(folder.At("a.safetensors"), ("c.weight", [2, 3]), ("c.bias", [2]));
        WeightStore.Load(backend, source, store =>
        {
            var w = store.Root.Scaled(0.25f, 1) / "c";
            float[] plain = new float[6], scaled = new float[6], bias = new float[2], half = new float[2];
            backend.Download((store.Root / "c").TakeMatrix("weight", 2, 3).Value, plain);
            backend.Download(w.TakeMatrix("weight", 2, 3).Value, scaled);
            backend.Download(w.TakeVector("bias", 2), bias);
            backend.Download(w.Scaled(1, 0.5f).TakeVector("bias", 2), half);
            Assert.Equal(plain.Select(value => value / 4), scaled);
            Assert.Equal(bias.Select(value => value / 2), half);
            return store;
        }).Dispose();
    }

    [Theory]
    [InlineData("cpu", DType.F16), InlineData("cpu", DType.BF16), InlineData("cuda", DType.I32), InlineData("cuda:1", DType.F64)]
    public void ADeviceThatDoesNotComputeInATypeIsAnOptionsError(string device, DType type) =>
        Assert.Contains($"dtype: {type} on {device}, expected F32", Assert.Throws<OptionException>(() => Device.Open(device, activations: type)).Message, StringComparison.Ordinal);

    [Fact]
    public void TheCpuComputesInF32() => Assert.Equal([DType.F32, DType.F32], new[] { Device.Open("cpu", 1), Device.Open("cpu", 1, DType.F32) }.Select(backend =>
    {
        using (backend) return backend.ActivationType;
    }));

    /// <summary>F32 tensors of these shapes, none of whose values a half has.</summary>
    static SafetensorsFile Sines(string path, params (string Name, long[] Shape)[] tensors)
    {
        SafetensorsWriter.Write(path, [.. tensors.Select(tensor =>
        {
            var info = new TensorInfo(tensor.Name, DType.F32, tensor.Shape);
            var values = Enumerable.Range(1, (int)info.Elements).Select(i => MathF.Sin(i * tensor.Name.Length)).ToArray();
            return TensorContent.FromBytes(info, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
        })]);
        return SafetensorsFile.Open(path);
    }
}

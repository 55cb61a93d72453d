using PeaEngine.Backends;
using PeaEngine.Diffusion.Adapters;
using PeaEngine.Formats;
using PeaEngine.Tests.Models;

namespace PeaEngine.Tests.Adapters;

public class PeaAdapterTests
{
    static readonly string Initial = Path.Combine(Repository.Root, "samples", "emoji", "initial-adapter.safetensors");

    [Fact]
    public void SizesAreTheFiles()
    {
        using var backend = new NullBackend();
        foreach (var name in (string[])["initial-adapter.safetensors", "reference-adapter.bin"])
        {
            using var adapter = PeaAdapter.Load(Path.Combine(Path.GetDirectoryName(Initial)!, name), backend);
            Assert.Equal((384, 320, 192), (adapter.InFeatures, adapter.SequenceFeatures, adapter.PooledFeatures));
        }
    }

    [Fact]
    public void AMaskedMeanLeavesPaddingOut()
    {
        using var folder = new TemporaryFolder();
        using var fixture = new ModelFixture();
        const int tokens = 5, seen = 3, channels = 384;
        var hidden = Enumerable.Range(0, tokens * channels).Select(i => MathF.Sin(i)).ToArray();
        byte[] mask = [1, 1, 1, 0, 0];
        var alone = Run(Initial, hidden[..(seen * channels)], new byte[seen]);
        var all = Run(Initial, hidden, mask);
        var masked = Run(Rewrite(folder, ("pooled_mean", "masked")), hidden, mask);
        Assert.Equal(all.Pooled, Run(Rewrite(folder, ("pooled_mean", "all")), hidden, mask).Pooled);
        Assert.Equal(all.Sequence, masked.Sequence);
        // The same products in tiles of other sizes.
        GoldenTensors.AssertClose("masked", alone.Pooled, masked.Pooled, 1e-5);
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => GoldenTensors.AssertClose("all", all.Pooled, masked.Pooled, 1e-2));

        (float[] Sequence, float[] Pooled) Run(string path, float[] input, byte[] mask)
        {
            using var adapter = PeaAdapter.Load(path, fixture.Backend);
            var output = adapter.Forward(fixture.Pass, fixture.Upload([1, mask.Length, channels], input), mask);
            return (fixture.Download(output.Sequence), fixture.Download(output.Pooled!.Value));
        }
    }

    [Fact]
    public void MetadataIsReadAndChecked()
    {
        using var folder = new TemporaryFolder();
        using var backend = new NullBackend();
        using (var adapter = PeaAdapter.Load(Rewrite(folder, ("student_length", "52"), ("pooled_mean", "masked"), ("format", "pt")), backend))
            Assert.Equal((52, true), (adapter.Metadata.StudentLength, adapter.Metadata.MasksPooledMean));
        foreach (var length in (string[])["0", "-1", "many", " 5", "99999999999"])
            AssertRefused($"metadata student_length is '{length}', expected a whole number above 0", Rewrite(folder, ("student_length", length)));
        AssertRefused("metadata pooled_mean is 'Masked', expected masked or all", Rewrite(folder, ("pooled_mean", "Masked")));
    }

    [Fact]
    public void WhatIsNoAdapterIsNamed()
    {
        using var folder = new TemporaryFolder();
        AssertRefused("tensor 'layernorm.weight' is missing, expected the norm of a PEA adapter", Write(("a", [2])));
        AssertRefused("no tensor 'projector.0.weight' or 'fc1.weight', expected a PEA adapter", Write(("layernorm.weight", [4]), ("layernorm.bias", [4])));
        AssertRefused("tensor 'projector.0.weight' is [3] F32, expected a matrix [outputs, 4]", Write(("layernorm.weight", [4]), ("layernorm.bias", [4]), ("projector.0.weight", [3])));
        AssertRefused("tensor 'projector.2.weight' is [2,5] F32, expected [2,3]",
            Write(("layernorm.weight", [4]), ("layernorm.bias", [4]), ("projector.0.weight", [3, 4]), ("projector.2.weight", [2, 5])));
        AssertRefused("tensor 'fc.weight' is [2,5] F32, expected [2,3]",
            Write(("layernorm.weight", [4]), ("layernorm.bias", [4]), ("projector.0.weight", [3, 4]), ("fc.weight", [2, 5])));
        AssertRefused("1 tensors that this architecture does not have, such as 'projector.3.weight'",
            Write(("layernorm.weight", [4]), ("layernorm.bias", [4]), ("projector.0.weight", [3, 4]), ("projector.3.weight", [2, 3])));

        string Write(params (string Name, long[] Shape)[] tensors)
        {
            SafetensorsWriter.Write(folder.At("adapter.safetensors"), tensors.Select(tensor => TensorContent.FromSingles(tensor.Name, tensor.Shape, new float[tensor.Shape.Aggregate(1L, (a, b) => a * b)])));
            return folder.At("adapter.safetensors");
        }
    }

    [Fact]
    public void InputsAreChecked()
    {
        using var fixture = new ModelFixture();
        using var adapter = PeaAdapter.Load(Initial, fixture.Backend);
        Assert.Contains("hidden state [1,2,383], expected [batch, tokens, 384]",
            Assert.Throws<PeaException>(() => adapter.Forward(fixture.Pass, fixture.Pass.New([1, 2, 383]), new byte[2])).Message, StringComparison.Ordinal);
        Assert.Contains("a mask of 3 values, expected 2",
            Assert.Throws<PeaException>(() => adapter.Forward(fixture.Pass, fixture.Pass.New([1, 2, 384]), new byte[3])).Message, StringComparison.Ordinal);
    }

    static void AssertRefused(string message, string path)
    {
        using var backend = new NullBackend();
        Assert.Contains(message, Assert.ThrowsAny<PeaException>(() => PeaAdapter.Load(path, backend)).Message, StringComparison.Ordinal);
    }

    /// <summary>The sample's first adapter with notes.</summary>
    static string Rewrite(TemporaryFolder folder, params (string Key, string Value)[] notes)
    {
        using var source = SafetensorsFile.Open(Initial);
        SafetensorsWriter.Write(folder.At("noted.safetensors"), source.Tensors.Keys.Select(name => TensorContent.FromSource(source, name)), notes.ToDictionary(note => note.Key, note => note.Value));
        return folder.At("noted.safetensors");
    }
}

using PeaEngine.Diffusion.Adapters;
using PeaEngine.Tests.Models;

namespace PeaEngine.Tests.Adapters;

/// <summary>Every adapter of <c>golden/adapter</c>: its sizes are those of the file, its outputs the reference's.</summary>
public class PeaAdapterGoldenTests
{
    public static TheoryData<string> Cases => GoldenFolder.Cases("adapter");

    [Theory, MemberData(nameof(Cases))]
    public void OutputsAreTheReferences(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var fixture = new ModelFixture();
        using var adapter = PeaAdapter.Load(GoldenFolder.At("adapter", name, "pytorch_model.bin"), fixture.Backend);
        using var io = GoldenTensors.Open(GoldenFolder.At("adapter", name, "io.safetensors"));
        var input = io["input"];
        Assert.Equal(input.Shape[2], adapter.InFeatures);
        Assert.Equal(io["sequence"].Shape[2], adapter.SequenceFeatures);
        Assert.Equal(io.Has("pooled") ? io["pooled"].Shape[1] : null, adapter.PooledFeatures);
        Assert.Equal((null, null, false), (adapter.Metadata.StudentLength, adapter.Metadata.MasksPooledMean, adapter.MasksPooledMean));
        // The reference's mean is over all tokens, whatever the mask says.
        var output = adapter.Forward(fixture.Pass, fixture.Upload(input), new byte[input.Shape[0] * input.Shape[1]]);
        GoldenTensors.AssertClose(io["sequence"], fixture.Download(output.Sequence));
        Assert.Equal(io.Has("pooled"), output.Pooled != null);
        if (output.Pooled is { } pooled) GoldenTensors.AssertClose(io["pooled"], fixture.Download(pooled));
    }
}

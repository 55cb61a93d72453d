using PeaEngine.Diffusion.Adapters;
using PeaEngine.Tests.Models;

namespace PeaEngine.Tests.Adapters;

/// <summary>The gradients of every adapter of <c>golden/adapter</c>, of <c>Σ sequence · weight.sequence + Σ pooled · weight.pooled</c>.</summary>
public class PeaAdapterGradientsGoldenTests
{
    public static TheoryData<string> Cases => PeaAdapterGoldenTests.Cases;

    [Theory, MemberData(nameof(Cases))]
    public void AreTheReferences(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var fixture = new ModelFixture();
        using var adapter = PeaAdapter.Load(GoldenFolder.At("adapter", name, "pytorch_model.bin"), fixture.Backend);
        using var io = GoldenTensors.Open(GoldenFolder.At("adapter", name, "io.safetensors"));
        using var gradients = new Gradients(fixture.Backend);
        foreach (var parameter in adapter.Parameters.Values) gradients.Track(parameter);
        var p = fixture.Saving(gradients);
        var input = io["input"];
        adapter.Forward(p, fixture.Upload(input), new byte[input.Shape[0] * input.Shape[1]]);
        var dHidden = p.New(Shape.Create(input.Shape));
        adapter.Backward(p, fixture.Upload(io["weight.sequence"]), io.Has("weight.pooled") ? fixture.Upload(io["weight.pooled"]) : null, dHidden);
        Assert.Equal(0, p.Saved!.Count);
        GoldenTensors.AssertClose(io["grad.input"], fixture.Download(dHidden));
        Assert.Equal(io.Names.Count(key => key.StartsWith("grad.", StringComparison.Ordinal)), adapter.Parameters.Count + 1);
        foreach (var (key, parameter) in adapter.Parameters) GoldenTensors.AssertClose(io["grad." + key], fixture.Download(gradients.Of(parameter)!.Value));
    }
}

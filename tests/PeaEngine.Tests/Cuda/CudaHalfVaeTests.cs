using PeaEngine.Backends;
using PeaEngine.Tests.Models;

namespace PeaEngine.Tests.Cuda;

/// <summary>A VAE whose activations are beyond F16, as SDXL's are, in F16: <c>force_upcast</c> keeps its residual stream within.</summary>
public class CudaHalfVaeTests
{
    /// <summary>The golden streams reach some ten; so they are beyond 65504, and within 64 times that.</summary>
    const float Factor = 1 << 15;

    const string Name = "f4";

    static Func<Backend> Device => () => new CudaBackend(CudaTestDevice.Open(), DType.F16);

    static Func<Backend> Oracle => () => new RoundedBackend(DType.F16);

    /// <summary>The pictures and moments of a magnified VAE are the golden ones, whose error is known in F32.</summary>
    [Fact]
    public void TheStreamsSizeChangesNothingInSinglePrecision()
    {
        if (!Directory.Exists(GoldenFolder.At("vae", Name))) return;
        Compare(() => PeaEngine.Device.Open("cpu", 2), Factor, forceUpcast: true);
    }

    [NvrtcFact]
    public void WithoutForceUpcastItOverflows()
    {
        if (!Directory.Exists(GoldenFolder.At("vae", Name))) return;
        foreach (var open in (Func<Backend>[])[Oracle, Device])
            Assert.All(GoldenTensors.ErrorsOf(() => Compare(open, Factor, forceUpcast: false)), found => Assert.Equal(double.PositiveInfinity, found.Error));
    }

    [NvrtcFact]
    public void WithForceUpcastItIsAsExactAsAnyOther()
    {
        if (!Directory.Exists(GoldenFolder.At("vae", Name))) return;
        IReadOnlyList<(string Name, double Error)> Errors(Func<Backend> open, float factor, bool forceUpcast) => GoldenTensors.ErrorsOf(() => Compare(open, factor, forceUpcast));
        RoundedErrors.AssertTwiceAtMost(Errors(Oracle, Factor, forceUpcast: true), Errors(Device, Factor, forceUpcast: true));
        // Nor does the measure cost a VAE anything that does not need it: the same activations but for subnormals.
        RoundedErrors.AssertTwiceAtMost(Errors(Oracle, 1, forceUpcast: false), Errors(Oracle, 1, forceUpcast: true));
    }

    /// <summary>The first golden picture, encoded, and latents, decoded.</summary>
    static void Compare(Func<Backend> open, float factor, bool forceUpcast) => ModelFixture.With(open, () =>
    {
        using var fixture = new ModelFixture();
        using var vae = MagnifiedVae.Load(fixture.Backend, Name, factor, forceUpcast);
        using var io = GoldenTensors.Open(GoldenFolder.At("vae", Name, "io.safetensors"));
        using (fixture.Pass.Scratch()) GoldenTensors.AssertClose("mean", io["a.mean"].ChannelsLast(), vae.Encode(fixture.Pass, fixture.UploadImage(io["a.image"])).Mean);
        fixture.AssertImage(io["a.decoded"], vae.Decode(fixture.Pass, fixture.UploadImage(io["a.latent"])));
    });
}

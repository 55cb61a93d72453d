using PeaEngine.Diffusion.Vae;

namespace PeaEngine.Tests.Models;

/// <summary>
/// The gradients of every VAE of <c>golden/vae</c>: of <c>Σ sampled · encode_weight</c> with respect to the picture and the encoder's weights, and of
/// <c>Σ decoded · decode_weight</c> with respect to the latents and the decoder's.
/// </summary>
public class VaeGradientsGoldenTests
{
    public static TheoryData<string> Cases => GoldenFolder.Cases("vae");

    [Theory, MemberData(nameof(Cases))]
    public void OfInputs(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var fixture = new ModelFixture();
        using var vae = ModelFiles.LoadVae(fixture.Backend, name);
        using var io = GoldenTensors.Open(GoldenFolder.At("vae", name, "io.safetensors"));
        foreach (var run in ModelFiles.Runs(io, "encode_weight"))
        {
            using var scope = fixture.Pass.Scratch();
            Encode(fixture, vae, io, run, fixture.Saving());
            Decode(fixture, vae, io, run, fixture.Saving());
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void OfWeights(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var fixture = new ModelFixture();
        using var vae = ModelFiles.LoadVae(fixture.Backend, name);
        using var io = GoldenTensors.Open(GoldenFolder.At("vae", name, "io.safetensors"));
        using var expected = GoldenTensors.Open(GoldenFolder.At("vae", name, "grad_parameters.safetensors"));
        using var gradients = new Gradients(fixture.Backend);
        foreach (var parameter in vae.Parameters.Values) gradients.Track(parameter);
        Encode(fixture, vae, io, "b", fixture.Saving(gradients));
        Decode(fixture, vae, io, "b", fixture.Saving(gradients));
        ParameterGradients.AssertClose(expected, fixture, vae.Parameters, gradients);
    }

    static void Encode(ModelFixture fixture, AutoencoderKL vae, GoldenTensors io, string run, Pass p)
    {
        Tensor image = fixture.UploadImage(io[$"{run}.image"]), noise = fixture.UploadImage(io[$"{run}.noise"]), dImage = p.New(image.Shape);
        var latents = vae.Encode(p, image);
        fixture.AssertImage(io[$"{run}.sampled"], latents.Sample(p, noise));
        vae.EncodeBackward(p, latents.SampleBackward(p, noise, fixture.UploadImage(io[$"{run}.encode_weight"])), dImage);
        Assert.Equal(0, p.Saved!.Count);
        fixture.AssertImage(io[$"{run}.grad.image"], dImage);
        p.Arena.ReleaseKept(0);
    }

    static void Decode(ModelFixture fixture, AutoencoderKL vae, GoldenTensors io, string run, Pass p)
    {
        Tensor latents = fixture.UploadImage(io[$"{run}.latent"]), dLatents = p.New(latents.Shape);
        fixture.AssertImage(io[$"{run}.decoded"], vae.Decode(p, latents));
        vae.DecodeBackward(p, fixture.UploadImage(io[$"{run}.decode_weight"]), dLatents);
        Assert.Equal(0, p.Saved!.Count);
        fixture.AssertImage(io[$"{run}.grad.latent"], dLatents);
        p.Arena.ReleaseKept(0);
    }
}

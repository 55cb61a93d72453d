namespace PeaEngine.Tests.Models;

/// <summary>Every VAE of <c>golden/vae</c>: encoding, decoding and decoding in tiles.</summary>
public class VaeGoldenTests
{
    public static TheoryData<string> Cases => GoldenFolder.Cases("vae");

    [Theory, MemberData(nameof(Cases))]
    public void EncodesAsDiffusers(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var fixture = new ModelFixture();
        using var vae = ModelFiles.LoadVae(fixture.Backend, name);
        using var io = GoldenTensors.Open(GoldenFolder.At("vae", name, "io.safetensors"));
        foreach (var run in ModelFiles.Runs(io, "image"))
        {
            using var scope = fixture.Pass.Scratch();
            var latents = vae.Encode(fixture.Pass, fixture.UploadImage(io[$"{run}.image"]));
            GoldenTensors.AssertClose($"{run}.mean", io[$"{run}.mean"].ChannelsLast(), latents.Mean);
            GoldenTensors.AssertClose($"{run}.logvar", io[$"{run}.logvar"].ChannelsLast(), latents.LogVar);
            fixture.AssertImage(io[$"{run}.mean"], latents.Mode(fixture.Pass));
            fixture.AssertImage(io[$"{run}.sampled"], latents.Sample(fixture.Pass, fixture.UploadImage(io[$"{run}.noise"])));
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void DecodesAsDiffusers(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var fixture = new ModelFixture();
        using var vae = ModelFiles.LoadVae(fixture.Backend, name);
        using var io = GoldenTensors.Open(GoldenFolder.At("vae", name, "io.safetensors"));
        foreach (var run in ModelFiles.Runs(io, "decoded").Where(run => run != "tiled"))
        {
            using var scope = fixture.Pass.Scratch();
            fixture.AssertImage(io[$"{run}.decoded"], vae.Decode(fixture.Pass, fixture.UploadImage(io[$"{run}.latent"])));
            Assert.Equal(0, fixture.Pass.Arena.KeptBytes);
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void DecodesInTilesAsDiffusers(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var fixture = new ModelFixture();
        using var vae = ModelFiles.LoadVae(fixture.Backend, name);
        using var io = GoldenTensors.Open(GoldenFolder.At("vae", name, "io.safetensors"));
        if (!io.Has("tiled.latent")) return;
        Assert.Equal(io.Integers("tiled.tile"), new long[] { vae.Config.SampleSize, vae.TileLatentSize });
        var latents = fixture.UploadImage(io["tiled.latent"]);
        fixture.AssertImage(io["tiled.decoded"], vae.DecodeTiled(fixture.Pass, latents));
        fixture.AssertImage(io["tiled.untiled"], vae.Decode(fixture.Pass, latents));
    }
}

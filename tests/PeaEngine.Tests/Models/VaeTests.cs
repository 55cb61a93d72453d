using System.Text.Json.Nodes;
using PeaEngine.Backends;
using PeaEngine.Diffusion.Vae;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Models;

/// <summary>What golden files do not show of the VAE: old keys, statistics of latents, refusals and memory.</summary>
public class VaeTests
{
    static readonly string Folder = Path.Combine(Repository.Root, "tests", "golden", "vae", "f8");

    static readonly (string New, string Old)[] OldNames = [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OldAttentionKeysLoadToTheSameModel(bool asConvolution)
    {
        using var fixture = new ModelFixture();
        using var weights = Weights();
        using var old = new DerivedTensors(weights, info => OldNames.FirstOrDefault(name => info.Name.Contains($".{name.New}.")) is { New: { } name } pair
            ? new(info.Name.Replace(name, pair.Old), info.DType, asConvolution && info.Shape.Count == 2 ? [.. info.Shape, 1, 1] : info.Shape)
            : info);
        Assert.Contains("decoder.mid_block.attentions.0.proj_attn.weight", old.Tensors.Keys);
        using var vae = AutoencoderKL.Load(fixture.Backend, Config(), weights);
        using var vaeOfOld = AutoencoderKL.Load(fixture.Backend, Config(), old);
        var latents = fixture.Upload([1, 2, 3, 4], Ramp(24));
        Assert.Equal(fixture.Download(vae.Decode(fixture.Pass, latents)), fixture.Download(vaeOfOld.Decode(fixture.Pass, latents)));
    }

    [Fact]
    public void ScalesByTheFactorAndByStatisticsWhereGiven()
    {
        using var fixture = new ModelFixture();
        using var weights = Weights();
        using var plain = AutoencoderKL.Load(fixture.Backend, Config(), weights);
        using var with = AutoencoderKL.Load(fixture.Backend, Config(json =>
        {
            json["latents_mean"] = new JsonArray(1, -2, 0, 0.5);
            json["latents_std"] = new JsonArray(2, 4, 1, 0.25);
        }), weights);
        var values = Ramp(8);
        var latents = fixture.Upload([1, 1, 2, 4], values);
        double[] mean = [1, -2, 0, 0.5], std = [2, 4, 1, 0.25];
        // One rounding of each product and sum.
        GoldenTensors.AssertClose("scaled", [.. values.Select(z => (float)(z * 0.13025))], fixture.Download(plain.Scale(fixture.Pass, latents)), 1e-6);
        GoldenTensors.AssertClose("unscaled", [.. values.Select(z => (float)(z / 0.13025))], fixture.Download(plain.Unscale(fixture.Pass, latents)), 1e-6);
        GoldenTensors.AssertClose("scaled", [.. values.Select((z, i) => (float)((z - mean[i % 4]) * 0.13025 / std[i % 4]))], fixture.Download(with.Scale(fixture.Pass, latents)), 1e-6);
        GoldenTensors.AssertClose("unscaled", [.. values.Select((z, i) => (float)(z * std[i % 4] / 0.13025 + mean[i % 4]))], fixture.Download(with.Unscale(fixture.Pass, latents)), 1e-6);
    }

    [Fact]
    public void LatentsOfOneTileAreDecodedWhole()
    {
        using var fixture = new ModelFixture();
        using var weights = Weights();
        using var vae = AutoencoderKL.Load(fixture.Backend, Config(), weights);
        var latents = fixture.Upload([1, 8, 3, 4], Ramp(96));
        Assert.Equal(fixture.Download(vae.Decode(fixture.Pass, latents)), fixture.Download(vae.DecodeTiled(fixture.Pass, latents)));
    }

    [Fact]
    public void TilesOfABatchAreThoseOfItsSamples()
    {
        using var fixture = new ModelFixture();
        using var weights = Weights();
        using var vae = AutoencoderKL.Load(fixture.Backend, Config(json => json["sample_size"] = 16), weights);
        var both = fixture.Upload([2, 3, 4, 4], Ramp(96));
        var whole = fixture.Download(vae.DecodeTiled(fixture.Pass, both));
        Assert.Equal(whole[..(whole.Length / 2)], fixture.Download(vae.DecodeTiled(fixture.Pass, both.Slice(0, 1))));
        Assert.Equal(whole[(whole.Length / 2)..], fixture.Download(vae.DecodeTiled(fixture.Pass, both.Slice(1, 1))));
    }

    [Theory]
    [InlineData("act_fn", "\"relu\"", "act_fn is '\"relu\"'")]
    [InlineData("shift_factor", "0.1", "shift_factor is '0.1'")]
    [InlineData("latents_mean", "[0, 0, 0, 0]", "only one of latents_mean and latents_std")]
    [InlineData("latents_std", "[1, 1]", "latents_std is a list of 2")]
    [InlineData("scaling_factor", "0", "scaling_factor is '0'")]
    [InlineData("down_block_types", "[\"DownEncoderBlock2D\"]", "down_block_types is a list of 1")]
    [InlineData("up_block_types", "[\"UpDecoderBlock2D\", \"AttnUpDecoderBlock2D\", \"UpDecoderBlock2D\", \"UpDecoderBlock2D\"]", "up_block_types[1] is \"AttnUpDecoderBlock2D\"")]
    [InlineData("use_quant_conv", "false", "2 tensors that this architecture does not have, such as 'quant_conv.bias'")]
    [InlineData("mid_block_add_attention", "false", "mid_block.attentions.0")]
    public void RefusesAConfigurationItCannotRun(string key, string value, string expected)
    {
        using var backend = new NullBackend();
        using var weights = Weights();
        Throws(expected, () => AutoencoderKL.Load(backend, Config(json => json[key] = JsonNode.Parse(value)), weights));
    }

    [Fact]
    public void RefusesWrongShapes()
    {
        using var fixture = new ModelFixture();
        using var weights = Weights();
        using var vae = AutoencoderKL.Load(fixture.Backend, Config(json => json["sample_size"] = 8), weights);
        var p = fixture.Pass;
        Throws("images [1,16,16,4]", () => vae.Encode(p, p.New([1, 16, 16, 4])));
        Throws("images [1,16,7,3]", () => vae.Encode(p, p.New([1, 16, 7, 3])));
        Throws("latents [1,2,2,9]", () => vae.Decode(p, p.New([1, 2, 2, 9])));
        Throws("latents [2,4]", () => vae.Unscale(p, p.New([2, 4])));
        Throws("tiles of 1 latents", () => vae.DecodeTiled(p, p.New([1, 2, 2, 4])));
        Throws("noise [1,2,1,4]", () => vae.Encode(p, p.New([1, 16, 16, 3])).Sample(p, p.New([1, 2, 1, 4])));
    }

    [Fact]
    public void TheNullBackendMeasuresTheArenaOfARealPass()
    {
        using var weights = Weights();
        using var empty = new NullBackend();
        var measured = Peak(empty, weights, 1 << 30);
        using var cpu = Device.Open("cpu", 2);
        Assert.Equal(measured, Peak(cpu, weights, measured));

        static long Peak(Backend backend, SafetensorsFile weights, long arenaBytes)
        {
            using var vae = AutoencoderKL.Load(backend, Config(), weights);
            using var arena = new Arena(backend, arenaBytes);
            var p = new Pass(backend, arena);
            var images = p.New([1, 24, 16, 3]);
            backend.Upload(new float[images.Elements], images);
            vae.DecodeTiled(p, vae.Encode(p, images).Mode(p));
            return arena.PeakBytes;
        }
    }

    [Fact]
    public void A512PictureOfSdxlsVaeTakesFourOfItsOuterActivations()
    {
        // The golden VAE with its 16, 32 and 48 channels made SDXL's 128, 256 and 512.
        static long Real(long extent) => extent switch { 16 => 128, 32 => 256, 48 => 512, _ => extent };
        using var weights = Weights();
        using var large = new DerivedTensors(weights, info => new(info.Name, info.DType, [.. info.Shape.Select(Real)]));
        using var backend = new NullBackend();
        using var vae = AutoencoderKL.Load(backend, Config(json => json["block_out_channels"] = new JsonArray(128, 256, 512, 512)), large);
        using var arena = new Arena(backend, 1L << 40);
        var p = new Pass(backend, arena);
        vae.Decode(p, p.New([1, 64, 64, 4]));
        // Where 256 channels become 128 at full size: the input, the output and conv1's output, 2 + 1 + 1 times 512² · 128 singles; the rest is the picture.
        Assert.InRange(arena.PeakBytes, 4L * 512 * 512 * 128 * 4, (long)(4.1 * 512 * 512 * 128 * 4));
        Assert.Equal(0, arena.KeptBytes);
    }

    static float[] Ramp(int count) => [.. Enumerable.Range(0, count).Select(i => MathF.Sin(i * 0.7f))];

    static JsonConfig Config(Action<JsonNode>? change = null)
    {
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "config.json")))!;
        change?.Invoke(json);
        return JsonConfig.Parse(System.Text.Encoding.UTF8.GetBytes(json.ToJsonString()), "config.json");
    }

    static SafetensorsFile Weights() => SafetensorsFile.Open(Path.Combine(Folder, "diffusion_pytorch_model.safetensors"));

    static void Throws(string expected, Action action) =>
        Assert.Contains(expected, Assert.Throws<PeaException>(action).Message, StringComparison.Ordinal);
}

using System.Text.Json.Nodes;
using PeaEngine.Backends;
using PeaEngine.Diffusion.ControlNet;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Models;

/// <summary>What the golden cases do not have: batches, channel orders, pooled conditions, refusals, and how much memory it takes.</summary>
public class ControlNetTests
{
    static readonly string Folder = Path.Combine(Repository.Root, "tests", "golden", "controlnet", "sd15");

    [Fact]
    public void OneControlImageServesAllSamples()
    {
        using var fixture = new ModelFixture();
        using var net = Load(fixture.Backend);
        var p = fixture.Pass;
        var run = new Inputs(fixture, batch: 2);
        var image = run.Image.Slice(0, 1);
        var twice = p.New([2, 64, 48, 3]);
        for (var i = 0; i < 2; i++) fixture.Backend.Copy(image, twice.Slice(i, 1));

        var one = Values(fixture, net.Forward(p, run.Sample, run.Timesteps, net.Condition(p, image, run.Text)));
        var both = Values(fixture, net.Forward(p, run.Sample, run.Timesteps, net.Condition(p, twice, run.Text)));

        Assert.Equal(both, one);
    }

    [Fact]
    public void BgrWeightsSeeTheChannelsTheOtherWayRound()
    {
        using var fixture = new ModelFixture();
        using ControlNetModel rgb = Load(fixture.Backend), bgr = Load(fixture.Backend, json => json["controlnet_conditioning_channel_order"] = "bgr");
        var p = fixture.Pass;
        var run = new Inputs(fixture, batch: 2);
        var values = fixture.Download(run.Image);
        var reversed = fixture.Upload(run.Image.Shape, [.. values.Chunk(3).SelectMany(pixel => pixel.Reverse())]);

        var expected = Values(fixture, rgb.Forward(p, run.Sample, run.Timesteps, rgb.Condition(p, reversed, run.Text)));
        var actual = Values(fixture, bgr.Forward(p, run.Sample, run.Timesteps, bgr.Condition(p, run.Image, run.Text)));

        Assert.Equal(expected, actual);
        Assert.NotEqual(expected, Values(fixture, rgb.Forward(p, run.Sample, run.Timesteps, rgb.Condition(p, run.Image, run.Text))));
    }

    /// <summary>The mean over height and width, everywhere; guess mode does not scale it.</summary>
    [Fact]
    public void PooledConditionsAreTheMeanOfTheResiduals()
    {
        using var fixture = new ModelFixture();
        using ControlNetModel plain = Load(fixture.Backend), pooled = Load(fixture.Backend, json => json["global_pool_conditions"] = true);
        var p = fixture.Pass;
        var run = new Inputs(fixture, batch: 2);
        var expected = plain.Forward(p, run.Sample, run.Timesteps, plain.Condition(p, run.Image, run.Text), 0.7f);
        var actual = pooled.Forward(p, run.Sample, run.Timesteps, pooled.Condition(p, run.Image, run.Text), 0.7f, guessMode: true);

        foreach (var (residual, mean) in expected.Down.Append(expected.Mid).Zip(actual.Down.Append(actual.Mid)))
        {
            Assert.Equal(residual.Shape, mean.Shape);
            int pixels = residual.Shape[1] * residual.Shape[2], channels = residual.Shape[3];
            var values = fixture.Download(residual);
            var means = new float[values.Length];
            for (var i = 0; i < values.Length; i++)
            {
                var first = i / (pixels * channels) * pixels * channels + i % channels;
                means[i] = (float)Enumerable.Range(0, pixels).Average(pixel => (double)values[first + pixel * channels]);
            }
            // The mean is taken before the convolution: other sums in singles.
            GoldenTensors.AssertClose("mean", means, fixture.Download(mean), 1e-5);
        }
    }

    [Fact]
    public void ResidualsOfSeveralAreSummedAndBelongToTheLastSamples()
    {
        using var fixture = new ModelFixture();
        using var net = Load(fixture.Backend);
        using var unet = ModelFiles.LoadUNet(fixture.Backend, "sd15");
        var p = fixture.Pass;
        Inputs one = new(fixture, batch: 1), both = new(fixture, batch: 2);
        var first = net.Forward(p, one.Sample, one.Timesteps, net.Condition(p, one.Image, one.Text), 0.25f);
        var second = net.Forward(p, one.Sample, one.Timesteps, net.Condition(p, one.Image, one.Text), 0.5f);
        var whole = net.Forward(p, one.Sample, one.Timesteps, net.Condition(p, one.Image, one.Text), 0.75f);
        first.Add(p, second);
        var c = unet.Condition(p, both.Text);

        float[] plain = fixture.Download(unet.Forward(p, both.Sample, both.Timesteps, c)), summed = fixture.Download(unet.Forward(p, both.Sample, both.Timesteps, c, residuals: first)),
            atOnce = fixture.Download(unet.Forward(p, both.Sample, both.Timesteps, c, residuals: whole));

        var half = plain.Length / 2;
        Assert.Equal(plain[..half], summed[..half]);
        Assert.NotEqual(plain[half..], summed[half..]);
        // The same sum, rounded once more.
        GoldenTensors.AssertClose("sum", atOnce, summed, 1e-5);
    }

    [Theory]
    [InlineData("mid_block_type", "null", "mid_block_type is null")]
    [InlineData("controlnet_conditioning_channel_order", "\"gbr\"", "controlnet_conditioning_channel_order is '\"gbr\"', expected \"rgb\" or \"bgr\"")]
    [InlineData("conditioning_embedding_out_channels", "[]", "conditioning_embedding_out_channels is a list of 0")]
    [InlineData("conditioning_embedding_out_channels", "[8, 16, 24]", "controlnet_cond_embedding.conv_out.weight")]
    [InlineData("conditioning_channels", "1", "controlnet_cond_embedding.conv_in.weight' is [8,3,3,3] F16, expected [8,1,3,3]")]
    [InlineData("encoder_hid_dim_type", "\"text_proj\"", "encoder_hid_dim_type is '\"text_proj\"'")]
    [InlineData("layers_per_block", "1", "controlnet_down_blocks")]
    public void RefusesAConfigurationItCannotRun(string key, string value, string expected)
    {
        using var backend = new NullBackend();
        Throws(expected, () => Load(backend, json => json[key] = JsonNode.Parse(value)));
    }

    [Fact]
    public void RefusesWrongShapes()
    {
        using var fixture = new ModelFixture();
        using var net = Load(fixture.Backend);
        using var unet = ModelFiles.LoadUNet(fixture.Backend, "sd15");
        var p = fixture.Pass;
        var run = new Inputs(fixture, batch: 2);
        Throws("image [2,64,48,4], expected [2 or 1", () => net.Condition(p, p.New([2, 64, 48, 4]), run.Text));
        Throws("image [3,64,48,3], expected [2 or 1", () => net.Condition(p, p.New([3, 64, 48, 3]), run.Text));
        Throws("controlnet: encoder_hidden_states [2,24]", () => net.Condition(p, run.Image, p.New([2, 24])));
        var c = net.Condition(p, run.Image, run.Text);
        Throws("controlnet: sample [2,8,6,9]", () => net.Forward(p, p.New([2, 8, 6, 9]), run.Timesteps, c));
        Throws("for a conditioning of batch 2", () => net.Forward(p, p.New([1, 8, 6, 4]), run.Timesteps, c));
        Throws("for an embedded control image [2,8,6,8]", () => net.Forward(p, p.New([2, 8, 8, 4]), run.Timesteps, c));
        var residuals = net.Forward(p, run.Sample, run.Timesteps, c);
        Throws("a residual [2,1,1,24], expected [1,1,1,24]", () =>
        {
            var one = new Inputs(fixture, batch: 1);
            unet.Forward(p, one.Sample, one.Timesteps, unet.Condition(p, one.Text), residuals: residuals);
        });
        using var other = ModelFiles.LoadUNet(fixture.Backend, "sdxl");
        Throws("12 residuals, expected 9", () =>
            other.Forward(p, p.New([2, 8, 6, 4]), run.Timesteps, other.Condition(p, p.New([2, 7, 48]), p.New([2, 40]), p.New([2, 6])), residuals: residuals));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheNullBackendMeasuresTheArenaOfARealPass(bool pooled)
    {
        using var empty = new NullBackend();
        var measured = Peak(empty, pooled, 1 << 30);
        using var cpu = Device.Open("cpu", 2);
        Assert.Equal(measured, Peak(cpu, pooled, measured));
    }

    static long Peak(Backend backend, bool pooled, long arenaBytes)
    {
        using var net = Load(backend, json =>
        {
            json["global_pool_conditions"] = pooled;
            json["controlnet_conditioning_channel_order"] = "bgr";
        });
        using var arena = new Arena(backend, arenaBytes);
        var p = new Pass(backend, arena);
        Tensor Zeros(Shape shape)
        {
            var tensor = p.New(shape);
            backend.Upload(new float[shape.Elements], tensor);
            return tensor;
        }
        var c = net.Condition(p, Zeros([1, 64, 48, 3]), Zeros([2, 7, 24]));
        net.Forward(p, Zeros([2, 8, 6, 4]), Zeros([2]), c);
        return arena.PeakBytes;
    }

    /// <summary>Inputs of some numbers.</summary>
    sealed class Inputs(ModelFixture fixture, int batch)
    {
        public Tensor Image { get; } = Some(fixture, [batch, 64, 48, 3], 0.9f);
        public Tensor Sample { get; } = Some(fixture, [batch, 8, 6, 4], 0.7f);
        public Tensor Text { get; } = Some(fixture, [batch, 7, 24], 0.3f);
        public Tensor Timesteps { get; } = Some(fixture, [batch], 0);

        static Tensor Some(ModelFixture fixture, Shape shape, float step) =>
            fixture.Upload(shape, [.. Enumerable.Range(0, (int)shape.Elements).Select(i => 0.5f + 0.5f * MathF.Cos(i * step))]);
    }

    static float[] Values(ModelFixture fixture, UNetResiduals residuals) => [.. residuals.Down.Append(residuals.Mid).SelectMany(fixture.Download)];

    static ControlNetModel Load(Backend backend, Action<JsonNode>? change = null)
    {
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "config.json")))!;
        change?.Invoke(json);
        using var weights = SafetensorsFile.Open(Path.Combine(Folder, "diffusion_pytorch_model.safetensors"));
        return ControlNetModel.Load(backend, JsonConfig.Parse(System.Text.Encoding.UTF8.GetBytes(json.ToJsonString()), "config.json"), weights);
    }

    static void Throws(string expected, Action action) =>
        Assert.Contains(expected, Assert.Throws<PeaException>(action).Message, StringComparison.Ordinal);
}

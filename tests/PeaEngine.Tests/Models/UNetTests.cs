using System.Text.Json.Nodes;
using PeaEngine.Backends;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Models;

/// <summary>What a UNet refuses, and how much memory it takes.</summary>
public class UNetTests
{
    [Theory]
    [InlineData("sdxl", "act_fn", "\"gelu\"", "act_fn is '\"gelu\"'")]
    [InlineData("sdxl", "addition_embed_type", "\"image\"", "addition_embed_type is '\"image\"'")]
    [InlineData("sdxl", "attention_head_dim", "[2, 4]", "attention_head_dim is a list of 2")]
    [InlineData("sdxl", "center_input_sample", "true", "center_input_sample is 'true'")]
    [InlineData("sdxl", "class_embed_type", "\"timestep\"", "class_embed_type is '\"timestep\"'")]
    [InlineData("sdxl", "dual_cross_attention", "true", "dual_cross_attention is 'true'")]
    [InlineData("sdxl", "down_block_types", "[\"DownBlock2D\", \"AttnDownBlock2D\", \"CrossAttnDownBlock2D\"]", "down_block_types[1] is \"AttnDownBlock2D\"")]
    [InlineData("sdxl", "mid_block_type", "\"UNetMidBlock2DSimpleCrossAttn\"", "mid_block_type is '\"UNetMidBlock2DSimpleCrossAttn\"'")]
    [InlineData("sdxl", "norm_num_groups", "null", "norm_num_groups is null")]
    [InlineData("sdxl", "norm_num_groups", "7", "16 channels do not divide into 7 groups")]
    [InlineData("sdxl", "num_attention_heads", "8", "num_attention_heads is '8'")]
    [InlineData("sdxl", "only_cross_attention", "[false, false, true]", "only_cross_attention is a list")]
    [InlineData("sdxl", "resnet_time_scale_shift", "\"scale_shift\"", "resnet_time_scale_shift is '\"scale_shift\"'")]
    [InlineData("sdxl", "layers_per_block", "0", "layers_per_block has 0")]
    [InlineData("sdxl", "layers_per_block", "3", "no tensor 'down_blocks.0.resnets.2.norm1.weight'")]
    [InlineData("sdxl", "transformer_layers_per_block", "[1, 1, 3]", "tensors that this architecture does not have")]
    [InlineData("sdxl", "cross_attention_dim", "64", "attn2.to_k.weight' is [32,48] F16, expected [32,64]")]
    [InlineData("ssd-1b", "reverse_transformer_layers_per_block", "null", "reverse_transformer_layers_per_block is missing")]
    [InlineData("ssd-1b", "transformer_layers_per_block", "[1, [2], [4, 4]]", "transformer_layers_per_block[1] is a list of 1")]
    [InlineData("sdxl", "in_channels", "-4", "in_channels has -4")]
    public void RefusesAConfigurationItCannotRun(string name, string key, string value, string expected)
    {
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, "tests", "golden", "unet", name, "config.json")))!;
        json[key] = JsonNode.Parse(value);
        using var backend = new NullBackend();
        using var weights = Weights(name);
        var error = Assert.Throws<PeaException>(() =>
            UNet2DConditionModel.Load(backend, JsonConfig.Parse(System.Text.Encoding.UTF8.GetBytes(json.ToJsonString()), "config.json"), weights));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingKeysHaveDiffusersDefaults()
    {
        // Stable Diffusion 1's own file has little more than this.
        var config = new UNetConfig(JsonConfig.Parse("""{"sample_size": 64, "cross_attention_dim": 768}"""u8, "config.json"));
        Assert.Equal([320, 640, 1280, 1280], config.BlockOutChannels);
        Assert.Equal([8, 8, 8, 8], config.NumAttentionHeads);
        Assert.Equal([768, 768, 768, 768], config.CrossAttentionDim);
        Assert.Equal("UNetMidBlock2DCrossAttn", config.MidBlockType);
        Assert.Equal([1, 1, 1], config.UpTransformerLayers[3]);
        Assert.Equal((64, 64, 1280, 32, 1e-5f), (config.SampleHeight, config.SampleWidth, config.TimeEmbedDim, config.NormNumGroups, config.NormEps));
        Assert.False(config.IsTextTime);
    }

    [Fact]
    public void RefusesWrongShapes()
    {
        using var fixture = new ModelFixture(8 << 20);
        using var weights = Weights("sdxl");
        using var unet = UNet2DConditionModel.Load(fixture.Backend, Config("sdxl"), weights);
        var p = fixture.Pass;
        Tensor text = p.New([2, 7, 48]), pooled = p.New([2, 40]), ids = p.New([2, 6]), timesteps = p.New([2]);

        Throws("needs text_embeds and time_ids", () => unet.Condition(p, text));
        Throws("text_embeds [2,40] and time_ids [2,5]", () => unet.Condition(p, text, pooled, p.New([2, 5])));
        Throws("text_embeds [1,40]", () => unet.Condition(p, text, p.New([1, 40]), ids));
        Throws("timestep_cond [2,32] given", () => unet.Condition(p, text, pooled, ids, p.New([2, 32])));
        Throws("has 47 features", () => unet.Condition(p, p.New([2, 7, 47]), pooled, ids));
        Throws("encoder_hidden_states [2,48]", () => unet.Condition(p, p.New([2, 48]), pooled, ids));
        var c = unet.Condition(p, text, pooled, ids);
        Throws("sample [2,8,8,9]", () => unet.Forward(p, p.New([2, 8, 8, 9]), timesteps, c));
        Throws("for a conditioning of batch 2", () => unet.Forward(p, p.New([1, 8, 8, 4]), timesteps, c));
        Throws("timesteps [1]", () => unet.Forward(p, p.New([2, 8, 8, 4]), p.New([1]), c));
    }

    [Fact]
    public void StopsWhenCancelledAndReleasesWhatItKept()
    {
        using var backend = new NullBackend();
        using var arena = new Arena(backend, 1 << 26);
        using var weights = Weights("sd15");
        using var unet = UNet2DConditionModel.Load(backend, Config("sd15"), weights);
        using var cancellation = new CancellationTokenSource();
        var p = new Pass(backend, arena, cancellation.Token);
        Tensor sample = p.New([1, 8, 8, 4]), timesteps = p.New([1]);
        var c = unet.Condition(p, p.New([1, 7, 24]));
        var kept = arena.KeptBytes;
        cancellation.Cancel();
        Assert.Throws<OperationCanceledException>(() => unet.Forward(p, sample, timesteps, c));
        Assert.Equal(kept, arena.KeptBytes);
    }

    [Theory]
    [InlineData(8, 8)]
    [InlineData(7, 5)]
    [InlineData(1, 3)]
    public void TheNullBackendMeasuresTheArenaOfARealPass(int height, int width)
    {
        using var weights = Weights("sdxl");
        using var empty = new NullBackend();
        var measured = Peak(empty, weights, 1 << 30, height, width);
        using var cpu = Device.Open("cpu", 2);
        Assert.Equal(measured, Peak(cpu, weights, measured, height, width));
    }

    static long Peak(Backend backend, SafetensorsFile weights, long arenaBytes, int height, int width)
    {
        using var unet = UNet2DConditionModel.Load(backend, Config("sdxl"), weights);
        using var arena = new Arena(backend, arenaBytes);
        var p = new Pass(backend, arena);
        Tensor Zeros(Shape shape)
        {
            var tensor = p.New(shape);
            backend.Upload(new float[shape.Elements], tensor);
            return tensor;
        }
        var c = unet.Condition(p, Zeros([2, 7, 48]), Zeros([2, 40]), Zeros([2, 6]));
        Assert.Equal([2, height, width, 4], unet.Forward(p, Zeros([2, height, width, 4]), Zeros([2]), c).Shape);
        return arena.PeakBytes;
    }

    static JsonConfig Config(string name) => JsonConfig.Load(Path.Combine(Repository.Root, "tests", "golden", "unet", name, "config.json"));

    static SafetensorsFile Weights(string name) =>
        SafetensorsFile.Open(Path.Combine(Repository.Root, "tests", "golden", "unet", name, "diffusion_pytorch_model.safetensors"));

    static void Throws(string expected, Action action) =>
        Assert.Contains(expected, Assert.Throws<PeaException>(action).Message, StringComparison.Ordinal);
}

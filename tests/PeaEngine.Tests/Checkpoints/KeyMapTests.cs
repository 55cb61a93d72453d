using System.Text;
using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Checkpoints;

public class KeyMapTests
{
    const string Sdxl = """
        { "block_out_channels": [320, 640, 1280], "transformer_layers_per_block": [1, 2, 10],
          "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"], "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"] }
        """;

    /// <summary>Stable Diffusion 1.5 is what diffusers' defaults are.</summary>
    [Theory]
    [InlineData("conv_in.weight", "input_blocks.0.0.weight")]
    [InlineData("down_blocks.0.resnets.1.conv2.bias", "input_blocks.2.0.out_layers.3.bias")]
    [InlineData("down_blocks.0.downsamplers.0.conv.weight", "input_blocks.3.0.op.weight")]
    [InlineData("down_blocks.2.attentions.1.transformer_blocks.0.attn2.to_k.weight", "input_blocks.8.1.transformer_blocks.0.attn2.to_k.weight")]
    [InlineData("down_blocks.3.resnets.1.time_emb_proj.weight", "input_blocks.11.0.emb_layers.1.weight")]
    [InlineData("mid_block.attentions.0.proj_in.weight", "middle_block.1.proj_in.weight")]
    [InlineData("mid_block.resnets.1.norm1.weight", "middle_block.2.in_layers.0.weight")]
    [InlineData("up_blocks.0.upsamplers.0.conv.weight", "output_blocks.2.1.conv.weight")]
    [InlineData("up_blocks.1.upsamplers.0.conv.weight", "output_blocks.5.2.conv.weight")]
    [InlineData("up_blocks.3.resnets.2.conv_shortcut.weight", "output_blocks.11.0.skip_connection.weight")]
    [InlineData("time_embedding.linear_2.bias", "time_embed.2.bias")]
    [InlineData("conv_norm_out.weight", "out.0.weight")]
    [InlineData("down_blocks.4.resnets.0.conv1.weight", null)]
    [InlineData("down_blocks.0.resnets.0.conv3.weight", null)]
    public void NamesOfStableDiffusion(string diffusers, string? original) => AssertNames("{}", diffusers, original);

    [Theory]
    [InlineData("add_embedding.linear_1.weight", "label_emb.0.0.weight")]
    [InlineData("down_blocks.1.attentions.0.proj_in.weight", "input_blocks.4.1.proj_in.weight")]
    [InlineData("down_blocks.2.attentions.1.transformer_blocks.9.ff.net.2.weight", "input_blocks.8.1.transformer_blocks.9.ff.net.2.weight")]
    [InlineData("up_blocks.0.attentions.2.norm.bias", "output_blocks.2.1.norm.bias")]
    [InlineData("up_blocks.0.upsamplers.0.conv.bias", "output_blocks.2.2.conv.bias")]
    [InlineData("up_blocks.2.resnets.0.conv1.weight", "output_blocks.6.0.in_layers.2.weight")]
    [InlineData("up_blocks.2.attentions.0.norm.weight", null)]
    public void NamesOfSdxl(string diffusers, string? original) => AssertNames(Sdxl, diffusers, original);

    [Theory]
    [InlineData("decoder.up_blocks.0.resnets.2.conv1.weight", "decoder.up.3.block.2.conv1.weight")]
    [InlineData("decoder.up_blocks.2.upsamplers.0.conv.bias", "decoder.up.1.upsample.conv.bias")]
    [InlineData("encoder.down_blocks.1.resnets.0.conv_shortcut.weight", "encoder.down.1.block.0.nin_shortcut.weight")]
    [InlineData("encoder.mid_block.attentions.0.to_out.0.weight", "encoder.mid.attn_1.proj_out.weight")]
    [InlineData("encoder.mid_block.resnets.1.norm2.weight", "encoder.mid.block_2.norm2.weight")]
    [InlineData("decoder.conv_norm_out.weight", "decoder.norm_out.weight")]
    [InlineData("encoder.down_blocks.0.resnets.2.conv1.weight", null)]
    public void NamesOfAVae(string diffusers, string? original)
    {
        var map = VaeKeys.Map(new(Blocks: 4, Layers: 2));
        Assert.Equal(original, map.ToOriginal(diffusers));
        if (original != null) Assert.Equal([diffusers], map.FindOriginal(original).Select(pair => pair.Diffusers));
    }

    [Fact]
    public void InProjHoldsQueryKeyAndValue()
    {
        var map = ClipKeys.OpenClip(layers: 2, ClipKeys.Root);

        var found = map.FindOriginal("transformer.resblocks.1.attn.in_proj_bias");

        Assert.Equal(["q", "k", "v"], found.Select(pair => pair.Diffusers["text_model.encoder.layers.1.self_attn.".Length..][..1]));
        Assert.Equal([TensorForm.Query, TensorForm.Key, TensorForm.Value], found.Select(pair => pair.Form));
        Assert.Empty(map.FindOriginal("transformer.resblocks.2.attn.in_proj_bias"));
    }

    static void AssertNames(string config, string diffusers, string? original)
    {
        var map = UNetKeys.Map(UNetLayout.Of(new UNetConfig(JsonConfig.Parse(Encoding.UTF8.GetBytes(config), "config.json"))));
        Assert.Equal(original, map.ToOriginal(diffusers));
        if (original != null) Assert.Equal([diffusers], map.FindOriginal(original).Select(pair => pair.Diffusers));
    }
}

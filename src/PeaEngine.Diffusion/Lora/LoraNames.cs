using System.Text.Json.Nodes;

namespace PeaEngine.Diffusion.Lora;

/// <summary>What the files of LoRAs that are trained here call their tensors, and what they note.</summary>
public static class LoraNames
{
    /// <summary>The first factor's key in peft's names, which diffusers writes and reads.</summary>
    /// <param name="module">The UNet's module, such as <c>mid_block.attentions.0.transformer_blocks.0.attn1.to_q</c>.</param>
    public static string Down(string module) => $"unet.{module}.lora_A.weight";

    /// <summary>The second factor's.</summary>
    /// <param name="module">The UNet's module.</param>
    public static string Up(string module) => $"unet.{module}.lora_B.weight";

    /// <summary>The key of a difference in kohya's names, which LyCORIS writes and ComfyUI and stable-diffusion-webui read. diffusers has no such key.</summary>
    /// <param name="module">The UNet's module.</param>
    public static string Difference(string module)
    {
        ArgumentNullException.ThrowIfNull(module);
        return $"lora_unet_{module.Replace('.', '_')}.diff";
    }

    /// <summary>peft's LoraConfig as diffusers notes it in a file, where it is the only place of an alpha; diffusers wants the patterns and targets to be there.</summary>
    /// <param name="rank">Of every product.</param>
    /// <param name="alpha">The scale times the rank.</param>
    /// <param name="modules">The ends of the modules' names.</param>
    public static KeyValuePair<string, string> Notes(int rank, double alpha, IEnumerable<string> modules) => new(LoraMetadata.Key, new JsonObject
    {
        ["unet.r"] = rank,
        ["unet.lora_alpha"] = alpha,
        ["unet.target_modules"] = new JsonArray([.. modules.Select(module => (JsonNode)module)]),
        ["unet.rank_pattern"] = new JsonObject(),
        ["unet.alpha_pattern"] = new JsonObject(),
    }.ToJsonString());
}

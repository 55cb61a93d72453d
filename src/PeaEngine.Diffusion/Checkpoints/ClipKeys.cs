namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>The names of a CLIP text encoder's modules beside transformers', where the file has transformers' own or OpenCLIP's.</summary>
static class ClipKeys
{
    /// <summary>What transformers puts before the modules, in files of up to version 4 and of models with a projection.</summary>
    public const string Root = "text_model.";

    static readonly string[] Parts = ["embeddings", "encoder", "final_layer_norm"];

    static readonly KeyPair[] OpenClipOuter =
    [
        new("token_embedding", "embeddings.token_embedding"),
        new("positional_embedding", "embeddings.position_embedding.weight"),
        new("ln_final", "final_layer_norm"),
    ];

    static readonly KeyPair[] OpenClipLayer =
    [
        new("ln_1", "layer_norm1"),
        new("ln_2", "layer_norm2"),
        new("mlp.c_fc", "mlp.fc1"),
        new("mlp.c_proj", "mlp.fc2"),
        new("attn.out_proj", "self_attn.out_proj"),
        new("attn.in_proj_weight", "self_attn.q_proj.weight", TensorForm.Query),
        new("attn.in_proj_weight", "self_attn.k_proj.weight", TensorForm.Key),
        new("attn.in_proj_weight", "self_attn.v_proj.weight", TensorForm.Value),
        new("attn.in_proj_bias", "self_attn.q_proj.bias", TensorForm.Query),
        new("attn.in_proj_bias", "self_attn.k_proj.bias", TensorForm.Key),
        new("attn.in_proj_bias", "self_attn.v_proj.bias", TensorForm.Value),
    ];

    /// <summary>The map where the file has transformers' names, with <see cref="Root"/> or "" on either side.</summary>
    public static KeyMap Transformers(string originalRoot, string root) =>
        new([.. Parts.Select(part => new KeyPair(originalRoot + part, root + part)), new("text_projection", "text_projection")]);

    /// <summary>The map where the file has OpenCLIP's names of this many layers, with <see cref="Root"/> or "" on transformers' side.</summary>
    public static KeyMap OpenClip(int layers, string root) => new(
    [
        new("text_projection", "text_projection.weight", TensorForm.Transposed),
        .. OpenClipOuter.Select(pair => pair with { Diffusers = root + pair.Diffusers }),
        .. Enumerable.Range(0, layers).SelectMany(i => OpenClipLayer.Select(pair =>
            pair with { Original = $"transformer.resblocks.{i}.{pair.Original}", Diffusers = $"{root}encoder.layers.{i}.{pair.Diffusers}" })),
    ]);
}

using PeaEngine.Formats;

namespace PeaEngine.Tests.TextEncoders;

/// <summary>The tokens of a case of <c>golden/text</c>. Without a mask, padding is what the model's own pad id says, as in cn_clip and OpenCLIP; CLIP is not masked.</summary>
sealed class TextInputs : IDisposable
{
    public TextInputs(string name)
    {
        Io = GoldenTensors.Open(GoldenFolder.At("text", name, "io.safetensors"));
        Ids = Array.ConvertAll(Io.Integers("input_ids"), id => checked((int)id));
        (Batch, Tokens) = (Io["input_ids"].Shape[0], Io["input_ids"].Shape[1]);
        var padding = JsonConfig.Load(GoldenFolder.At("text", name, "config.json")).Int("pad_token_id", 0);
        Mask = Io.Has("attention_mask") ? Array.ConvertAll(Io.Integers("attention_mask"), value => checked((byte)value)) : Array.ConvertAll(Ids, id => (byte)(id == padding ? 0 : 1));
    }

    public GoldenTensors Io { get; }

    public int[] Ids { get; }

    public byte[] Mask { get; }

    public int Batch { get; }

    public int Tokens { get; }

    public void Dispose() => Io.Dispose();
}

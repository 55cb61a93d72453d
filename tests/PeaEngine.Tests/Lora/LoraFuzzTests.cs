using PeaEngine.Diffusion.Lora;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Lora;

/// <summary>Keys, shapes and notes of LoRA files, damaged at random: they open and fit, or are refused as bad input in a bounded time.</summary>
public sealed class LoraFuzzTests : IDisposable
{
    const int Rounds = 300;

    const string Notes = """{"unet.r": 4, "unet.lora_alpha": 8, "unet.use_rslora": false, "unet.alpha_pattern": {"proj_in": 2, "^mid_block.*attn(1|2)": 4}}""";

    static readonly string[] Fragments = ["lora_", "unet.", "_lora.down.weight", ".alpha", ".diff", "text_encoder.", ".", "_", "0", "-1", "1e999", "(", ")*", "(a*)*", "\\", "\"", "{", "null", "\u0001", "\ud83d\udc3c"];

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void DamagedLorasAreFusedOrRefused()
    {
        using var model = new LoraModel();
        var lora = new RandomLora(model.Checkpoint, key => key.Contains("mid_block.attentions.0", StringComparison.Ordinal), 4, seed: 1);
        List<TensorContent> valid = [.. lora.Kohya("lora_unet_", 2), TensorContent.FromSingles("lora_unet_mid_block_resnets_0_conv1.diff", [48, 48, 3, 3], new float[48 * 48 * 9])];
        var random = new Random(22);
        var (fused, refused) = (0, 0);
        for (var i = 0; i < Rounds; i++)
        {
            var tensors = valid.ToDictionary(tensor => tensor.Info.Name);
            var notes = i % 2 == 0 ? Notes : Damage(Notes, random);
            if (i % 2 == 0 && i > 0)
            {
                var hit = valid[random.Next(valid.Count)];
                tensors.Remove(hit.Info.Name);
                var shape = hit.Info.Shape.Select(extent => random.Next(4) == 0 ? random.Next(5) : extent).ToArray();
                var info = new TensorInfo(random.Next(2) == 0 ? hit.Info.Name : Damage(hit.Info.Name, random), hit.Info.DType, shape);
                if (!info.Name.Any(char.IsSurrogate)) tensors[info.Name] = TensorContent.FromBytes(info, new byte[info.Bytes]);
            }
            SafetensorsWriter.Write(folder.At("fuzz.safetensors"), tensors.Values, new Dictionary<string, string> { ["lora_adapter_metadata"] = notes });
            try
            {
                using var file = LoraFile.Open(folder.At("fuzz.safetensors"));
                model.Stack.Fuse(file, 1);
                model.Stack.Clear();
                fused++;
            }
            catch (PeaException exception)
            {
                Assert.StartsWith(folder.Path, exception.Message, StringComparison.Ordinal);
                Assert.False(exception.Message.Any(char.IsControl), $"{i}: {exception.Message}");
                refused++;
            }
        }
        Assert.InRange(fused, 20, Rounds);
        Assert.InRange(refused, 50, Rounds);
    }

    static string Damage(string valid, Random random)
    {
        var at = random.Next(valid.Length);
        return random.Next(4) switch
        {
            0 => valid.Remove(at, Math.Min(random.Next(1, 8), valid.Length - at)),
            1 => valid.Insert(at, Fragments[random.Next(Fragments.Length)]),
            2 => valid[..at],
            _ => valid.Insert(at, valid.Substring(at, Math.Min(random.Next(1, 30), valid.Length - at))),
        };
    }
}

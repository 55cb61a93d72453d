using PeaEngine.Diffusion.Lora;
using PeaEngine.Formats;

namespace PeaEngine.Perf.Models;

/// <summary>
/// A LoRA of every matrix and convolution of SDXL's UNet in its own size, fused and taken out again: 10 GB of singles beside the 5 GB that are stored.
/// </summary>
sealed class LoraFuse(int rank) : IBenchmark
{
    public string Op => "lora_fuse";

    public IReadOnlyList<(string, int)> Arguments => [("rank", rank)];

    public double Flops => 0;

    public double Bytes => 0;

    public bool IsOnRequest => true;

    public Action Set(Room room)
    {
        var unet = room.Own(FullSizeSdxl.LoadUNet(room.Backend));
        var path = Path.Combine(room.Own(new TemporaryFolder()).Path, "lora.safetensors");
        using (var factors = new RandomWeights())
            SafetensorsWriter.Write(path, unet.Weights.SelectMany(pair => Factors(factors, pair.Key[..^".weight".Length], pair.Value.Value.Shape)));
        var lora = room.Own(LoraFile.Open(path));
        var stack = new LoraStack(room.Backend);
        stack.Add(LoraKey.UNet, unet.Weights);
        return () =>
        {
            stack.Fuse(lora, 0.8);
            stack.Clear();
        };
    }

    TensorContent[] Factors(RandomWeights factors, string module, Shape weight)
    {
        string down = $"unet.{module}.lora_A.weight", up = $"unet.{module}.lora_B.weight";
        var isConv = weight.Rank == 4;
        factors.Find(down, isConv ? [rank, weight[3], weight[1], weight[2]] : [rank, weight[1]]);
        factors.Find(up, isConv ? [weight[0], rank, 1, 1] : [weight[0], rank]);
        return [TensorContent.FromSource(factors, down), TensorContent.FromSource(factors, up)];
    }
}

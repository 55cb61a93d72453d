using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Diffusion.Vae;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Checkpoints;

/// <summary>Headers of a released model, damaged at random: they are recognised or refused as bad input, in little time and memory.</summary>
public class SingleFileFuzzTests
{
    const int Rounds = 400;

    /// <summary>A header of 1,130 keys and what is made of it; a damaged one must not cost many times as much.</summary>
    const long AllocationLimit = 24 << 20;

    static readonly string[] Fragments = ["0", "1", "255", "99999999999", "-1", ".", "..", "weight", "input_blocks", "resblocks", "text_projection", "nin_shortcut", "conv_shortcut", "1.conv", "op", ""];

    [Fact]
    public void DamagedHeadersAreRecognisedOrRefused()
    {
        var valid = ReleasedModels.Header("stable-diffusion-v1-5");
        var random = new Random(7);
        var (opened, refused) = (0, 0);
        for (var i = 0; i < Rounds; i++)
        {
            var damaged = i == 0 ? valid : Damage(valid, random);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Use(damaged);
                opened++;
            }
            catch (PeaException exception)
            {
                Assert.False(exception.Message.Any(char.IsControl), $"{i}: {exception.Message}");
                refused++;
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllocationLimit);
        }
        Assert.InRange(opened, 50, Rounds);
        Assert.InRange(refused, 50, Rounds);
    }

    /// <summary>Keys of a hundred thousand modules, and as many blocks and layers as there are keys.</summary>
    [Fact]
    public void KeysThatWouldTakeForeverAreRefused()
    {
        var valid = ReleasedModels.Header("stable-diffusion-v1-5");
        List<TensorInfo> endless = [.. valid, new(string.Concat(Enumerable.Repeat("a.", 100_000)), DType.F16, [1])];
        Assert.Throws<PeaException>(() => Use(endless));
        endless = [.. valid];
        for (var i = 4; i < 20_000; i++) endless.AddRange(new($"first_stage_model.encoder.down.{i}.a", DType.F16, [1]), new TensorInfo($"first_stage_model.encoder.down.0.block.{i}.a", DType.F16, [1]));
        Assert.Throws<PeaException>(() => Use(endless));
    }

    static void Use(List<TensorInfo> header)
    {
        var file = SingleFile.Read(() => new HeaderOnly(header), null);
        _ = new UNetConfig(file.Model("unet").Config);
        _ = new AutoencoderKLConfig(file.Model("vae").Config);
        _ = new ClipTextConfig(file.Model("text_encoder").Config);
        foreach (var name in new[] { "unet", "vae", "text_encoder" }) file.Model(name).OpenWeights().Dispose();
    }

    static List<TensorInfo> Damage(List<TensorInfo> valid, Random random)
    {
        var header = valid.ToDictionary(info => info.Name);
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            var info = header.Values.ElementAt(random.Next(header.Count));
            var parts = info.Name.Split('.');
            header.Remove(info.Name);
            switch (random.Next(5))
            {
                case 0:
                    break;
                case 1:
                    parts[random.Next(parts.Length)] = Fragments[random.Next(Fragments.Length)];
                    break;
                case 2:
                    parts = [.. parts, Fragments[random.Next(Fragments.Length)]];
                    break;
                case 3:
                    info = new(info.Name, info.DType, [.. info.Shape.Select(extent => random.Next(3) == 0 ? random.NextInt64(1L << random.Next(1, 20)) : extent)]);
                    break;
                default:
                    info = new(info.Name, random.Next(2) == 0 ? DType.I8 : DType.F32, [.. info.Shape.Skip(random.Next(3))]);
                    break;
            }
            if (random.Next(5) > 0) header[string.Join('.', parts)] = new(string.Join('.', parts), info.DType, info.Shape);
        }
        return [.. header.Values];
    }
}

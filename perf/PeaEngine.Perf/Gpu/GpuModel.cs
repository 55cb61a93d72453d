using PeaEngine.Perf.Models;
using PeaEngine.Train.Config;

namespace PeaEngine.Perf.Gpu;

/// <summary>A model of SDXL in its own size, as a GPU runs it: weights and activations in F16.</summary>
/// <param name="Name">What it is asked for by.</param>
/// <param name="Title">What it is.</param>
/// <param name="Work">One run of it.</param>
/// <param name="IsRecorded">Whether a run can be made a graph: nothing of it waits for the device. A distillation step is one, too, but for its numbers, which it waits for: it records itself.</param>
sealed record GpuModel(string Name, string Title, IBenchmark Work, bool IsRecorded = true)
{
    const int Tokens = 77, Guided = 2;

    /// <summary>All models.</summary>
    public static IReadOnlyList<GpuModel> All { get; } =
    [
        new("unet-1024", "UNet step, 1024², with guidance", new UNet(128, Tokens, Guided)),
        new("unet-512", "UNet step, 512², with guidance", new UNet(64, Tokens, Guided)),
        new("vae-1024", "VAE decode, 1024²", new VaeDecode(128)),
        new("text-clip-l", "text encoder, CLIP ViT-L", new TextEncoder("text_clip_l", FullSizeSdxl.LoadTextEncoder)),
        new("text-clip-bigg", "text encoder, CLIP ViT-bigG", new TextEncoder("text_clip_bigg", FullSizeSdxl.LoadTextEncoder2)),
        new("kd-640", "distillation step of an adapter, 640², batch 10", new DistillStep("distill_step_sdxl", TrainTarget.Adapter, 10, 80, Tokens, isFullSize: true), IsRecorded: false),
    ];

    /// <summary>The launches of a run.</summary>
    public IReadOnlyList<KernelLaunch> Launches(Chip chip, bool hasLibrary = true)
    {
        using var backend = new PaperBackend(chip, DType.F16, hasLibrary);
        using var room = new Room(backend, 1);
        var run = Work.Set(room);
        backend.Forget();
        run();
        return [.. backend.Launches];
    }
}

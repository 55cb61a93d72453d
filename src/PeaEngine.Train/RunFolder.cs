using System.Globalization;
using PeaEngine.Train.Config;
using PeaEngine.Train.Training;

namespace PeaEngine.Train;

/// <summary>The files of a training run.</summary>
/// <param name="Path">The folder.</param>
public sealed record RunFolder(string Path)
{
    /// <summary>The configuration with every key, from which the run goes on.</summary>
    public string Config => At("config.yaml");

    /// <summary>The folder of checkpoints.</summary>
    public string Checkpoints => At("checkpoints");

    /// <summary>A line a step of distillation.</summary>
    public string Metrics => Log(DistillationPhase.PhaseName);

    /// <summary>The loss over the steps.</summary>
    public string Plot => At("loss.png");

    /// <summary>The folder of what was drawn on the way.</summary>
    public string Samples => At("samples");

    /// <summary>What was drawn after a step.</summary>
    public string SamplesOf(long step) => System.IO.Path.Combine(Samples, string.Create(CultureInfo.InvariantCulture, $"step-{step:d6}.png"));

    /// <summary>What a run without an adapter begins with.</summary>
    public string FreshAdapter => At("initial-adapter.safetensors");

    /// <summary>The adapter, trained or not.</summary>
    public string Adapter => At("adapter.safetensors");

    /// <summary>The same as torch's file, with the keys of the published adapters.</summary>
    public string TorchAdapter => TorchTwin(Adapter);

    /// <summary>The running average of the adapter.</summary>
    public string Average => At("adapter-ema.safetensors");

    /// <summary>What was trained of the UNet, to draw with beside the adapter.</summary>
    public string Lora => At("lora.safetensors");

    /// <summary>The running average of that.</summary>
    public string LoraAverage => At("lora-ema.safetensors");

    /// <summary>What a run has trained at its end.</summary>
    public string Trained(TrainTarget target) => target == TrainTarget.Adapter ? Adapter : Lora;

    /// <summary>A line a step of a phase.</summary>
    internal string Log(string phase) => At(phase == DistillationPhase.PhaseName ? "metrics.jsonl" : $"{phase}.jsonl");

    /// <summary>torch's file beside one of safetensors.</summary>
    internal static string TorchTwin(string path) => System.IO.Path.ChangeExtension(path, ".bin");

    string At(string name) => System.IO.Path.Combine(Path, name);
}

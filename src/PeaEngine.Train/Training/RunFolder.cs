namespace PeaEngine.Train.Training;

/// <summary>The files of a training run.</summary>
/// <param name="Path">The folder.</param>
public sealed record RunFolder(string Path)
{
    /// <summary>The configuration with every key, from which the run goes on.</summary>
    public string Config => At("config.yaml");

    /// <summary>The folder of checkpoints.</summary>
    public string Checkpoints => At("checkpoints");

    /// <summary>A line a step.</summary>
    public string Metrics => At("metrics.jsonl");

    /// <summary>The loss over the steps.</summary>
    public string Plot => At("loss.png");

    /// <summary>What a run without an adapter begins with.</summary>
    public string FreshAdapter => At("initial-adapter.safetensors");

    /// <summary>What was trained.</summary>
    public string Adapter => At("adapter.safetensors");

    /// <summary>The running average of what was trained.</summary>
    public string Average => At("adapter-ema.safetensors");

    string At(string name) => System.IO.Path.Combine(Path, name);
}

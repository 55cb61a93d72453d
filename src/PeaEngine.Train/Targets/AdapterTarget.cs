using PeaEngine.Diffusion.Adapters;

namespace PeaEngine.Train.Targets;

/// <summary>The adapter is trained; the UNet stays as it is.</summary>
public sealed class AdapterTarget : TrainingTarget
{
    /// <summary>Trains every weight of an adapter.</summary>
    /// <param name="backend">Where it is.</param>
    /// <param name="adapter">Its weights F32; it stays the caller's.</param>
    public AdapterTarget(Backend backend, PeaAdapter adapter) : this(backend, adapter, new Gradients(backend)) { }

    AdapterTarget(Backend backend, PeaAdapter adapter, Gradients gradients)
        : base(backend, adapter, gradients, [.. adapter.Parameters.Select(pair => new Optimizers.TrainedParameter(pair.Key, pair.Value, gradients.Track(pair.Value)))]) { }

    /// <inheritdoc/>
    public override bool TrainsAdapter => true;

    /// <inheritdoc/>
    public override void Publish(RunFolder folder, IEnumerable<(string Name, Tensor Value)> averages, IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(folder);
        WriteAdapter(folder.Adapter, Parameters.Select(parameter => (parameter.Name, parameter.Value)), metadata);
        if (averages.Any()) WriteAdapter(folder.Average, averages, metadata);
    }
}

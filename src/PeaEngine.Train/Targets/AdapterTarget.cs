using PeaEngine.Diffusion.Adapters;
using PeaEngine.Formats;

namespace PeaEngine.Train.Targets;

/// <summary>The adapter is trained; the UNet stays as it is.</summary>
public sealed class AdapterTarget : TrainingTarget
{
    readonly Backend backend;

    /// <summary>Trains every weight of an adapter.</summary>
    /// <param name="backend">Where it is.</param>
    /// <param name="adapter">Its weights F32; it stays the caller's.</param>
    public AdapterTarget(Backend backend, PeaAdapter adapter) : this(backend, adapter, new Gradients(backend)) { }

    AdapterTarget(Backend backend, PeaAdapter adapter, Gradients gradients)
        : base(adapter, gradients, [.. adapter.Parameters.Select(pair => new Optimizers.TrainedParameter(pair.Key, pair.Value, gradients.Track(pair.Value)))]) => this.backend = backend;

    /// <inheritdoc/>
    public override void Publish(RunFolder folder, IEnumerable<(string Name, Tensor Value)> averages, IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(folder);
        Write(folder.Adapter, Parameters.Select(parameter => (parameter.Name, parameter.Value)), metadata);
        if (averages.Any()) Write(folder.Average, averages, metadata);
    }

    /// <summary>As safetensors, and as torch's file with the keys in the order of the layers.</summary>
    void Write(string path, IEnumerable<(string Name, Tensor Value)> parameters, IReadOnlyDictionary<string, string> metadata)
    {
        List<TensorContent> tensors = [.. parameters.Select(parameter => TensorState.Content(backend, parameter.Name, parameter.Value))];
        SafetensorsWriter.Write(path, tensors, metadata);
        TorchWriter.Write(RunFolder.TorchTwin(path), tensors, metadata);
    }
}

using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Formats;
using PeaEngine.Train.Config;
using PeaEngine.Train.Optimizers;

namespace PeaEngine.Train.Targets;

/// <summary>What a run trains. Teacher and student are one UNet: a target that changes it does so around the student's part of a step.</summary>
public abstract class TrainingTarget : IDisposable
{
    readonly Backend backend;

    /// <summary>A target.</summary>
    /// <param name="backend">Where it is.</param>
    /// <param name="adapter">What maps the student's states; it stays the caller's.</param>
    /// <param name="gradients">Of what is trained; they become the target's.</param>
    /// <param name="parameters">What is trained.</param>
    protected TrainingTarget(Backend backend, PeaAdapter adapter, Gradients gradients, IReadOnlyList<TrainedParameter> parameters) =>
        (this.backend, Adapter, Gradients, Parameters) = (backend, adapter, gradients, parameters);

    /// <summary>The target of a run, before its first step.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="backend">Where the models are.</param>
    /// <param name="unet">Teacher and student; it stays the caller's.</param>
    /// <param name="adapter">What maps the student's states, its weights F32; it stays the caller's.</param>
    /// <param name="lora">Of a LoRA: its rank and alpha.</param>
    /// <param name="seed">Of what begins with random numbers.</param>
    /// <exception cref="PeaException">The UNet has nothing that could be trained so.</exception>
    public static TrainingTarget Create(TrainTarget kind, Backend backend, UNet2DConditionModel unet, PeaAdapter adapter, LoraConfig lora, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(lora);
        return kind switch
        {
            TrainTarget.Lora => LoraTarget.Create(backend, unet, adapter, lora.Rank, lora.Alpha ?? lora.Rank, seed),
            TrainTarget.CrossAttentionKv => CrossAttentionKvTarget.Create(backend, unet, adapter),
            _ => new AdapterTarget(backend, adapter),
        };
    }

    /// <summary>What maps the student's states to the UNet's, whether it is trained or not.</summary>
    public PeaAdapter Adapter { get; }

    /// <summary>Whether the adapter's weights are among what is trained.</summary>
    public abstract bool TrainsAdapter { get; }

    /// <summary>The gradients that backward passes add to.</summary>
    public Gradients Gradients { get; }

    /// <summary>What the optimiser moves.</summary>
    public IReadOnlyList<TrainedParameter> Parameters { get; }

    /// <summary>What it holds beside gradients and the models' own weights, in bytes.</summary>
    public virtual long Bytes => 0;

    /// <summary>Called before the UNet runs as teacher.</summary>
    public virtual void BeforeTeacher() { }

    /// <summary>Called before the UNet runs as student, or draws as it was trained.</summary>
    public virtual void BeforeStudent() { }

    /// <summary>Writes what was trained into a run's folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="averages">The running averages by the parameters' names; empty where there are none.</param>
    /// <param name="metadata">What the files note about the run.</param>
    /// <exception cref="PeaException">A file cannot be written.</exception>
    public abstract void Publish(RunFolder folder, IEnumerable<(string Name, Tensor Value)> averages, IReadOnlyDictionary<string, string> metadata);

    /// <summary>Frees the gradients.</summary>
    public virtual void Dispose()
    {
        Gradients.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Writes an adapter as safetensors, and as torch's file with the keys in the order of the layers.</summary>
    private protected void WriteAdapter(string path, IEnumerable<(string Name, Tensor Value)> parameters, IReadOnlyDictionary<string, string> metadata)
    {
        var tensors = Contents(parameters);
        SafetensorsWriter.Write(path, tensors, metadata);
        TorchWriter.Write(RunFolder.TorchTwin(path), tensors, metadata);
    }

    /// <summary>Tensors as a file's, read when that is written.</summary>
    private protected IReadOnlyList<TensorContent> Contents(IEnumerable<(string Name, Tensor Value)> parameters) =>
        [.. parameters.Select(parameter => TensorState.Content(backend, parameter.Name, parameter.Value))];
}

using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Formats;
using PeaEngine.Train.Optimizers;

namespace PeaEngine.Train.Targets;

/// <summary>
/// The UNet is trained, by what is added to some of its weights; the adapter stays as it is. The teacher multiplies by what is stored and the
/// student by the sums, which are made as those of a LoRA that is drawn with, so that it draws as it was trained, to the bit.
/// </summary>
public abstract class UNetTarget : TrainingTarget
{
    readonly IReadOnlyList<Weight> weights;
    readonly Pass pass;

    /// <summary>A target.</summary>
    /// <param name="pass">Its arena has the parameters at its kept end, and room for what adding them takes; it becomes the target's.</param>
    /// <param name="adapter">What maps the student's states; it stays the caller's.</param>
    /// <param name="weights">What is added to; the target widens them and restores them at its end.</param>
    /// <param name="gradients">Of what is added; they become the target's.</param>
    /// <param name="parameters">What is added, under the names that files have for it.</param>
    private protected UNetTarget(Pass pass, PeaAdapter adapter, IReadOnlyList<Weight> weights, Gradients gradients, IReadOnlyList<TrainedParameter> parameters)
        : base(pass.Backend, adapter, gradients, parameters) => (this.pass, this.weights) = (pass, weights);

    /// <inheritdoc/>
    public override bool TrainsAdapter => false;

    /// <inheritdoc/>
    public override long Bytes => pass.Arena.Capacity + weights.Sum(weight => weight.Stored.Elements * sizeof(float));

    /// <inheritdoc/>
    public override void BeforeTeacher()
    {
        foreach (var weight in weights) weight.Narrow();
    }

    /// <inheritdoc/>
    public override void BeforeStudent()
    {
        for (var i = 0; i < weights.Count; i++)
        {
            var sum = weights[i].Widen(pass.Backend);
            pass.Backend.Copy(weights[i].Stored, sum);
            AddTo(pass, i, sum);
        }
    }

    /// <inheritdoc/>
    public override void Publish(RunFolder folder, IEnumerable<(string Name, Tensor Value)> averages, IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(folder);
        WriteAdapter(folder.Adapter, Adapter.Parameters.Select(pair => (pair.Key, pair.Value)), metadata);
        Dictionary<string, string> notes = new([.. metadata, .. Notes]);
        SafetensorsWriter.Write(folder.Lora, Contents(Parameters.Select(parameter => (parameter.Name, parameter.Value))), notes);
        if (averages.Any()) SafetensorsWriter.Write(folder.LoraAverage, Contents(averages), notes);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var weight in weights) weight.Restore();
        pass.Arena.Dispose();
        base.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Adds the parameters of a weight to it.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="index">Which of the weights.</param>
    /// <param name="sum">[O, I] F32</param>
    private protected abstract void AddTo(Pass p, int index, Tensor sum);

    /// <summary>What the files note about what they add.</summary>
    private protected virtual IEnumerable<KeyValuePair<string, string>> Notes => [];

    /// <summary>The weights of these keys, in the keys' order.</summary>
    private protected static IReadOnlyList<Weight> Weights(UNet2DConditionModel unet, Func<string, bool> takes)
    {
        ArgumentNullException.ThrowIfNull(unet);
        Weight[] weights = [.. unet.Weights.Values.Where(weight => takes(weight.Key)).OrderBy(weight => weight.Key, StringComparer.Ordinal)];
        return weights.Length > 0 ? weights : throw new PeaException("unet: no attention that could be trained, expected one with transformer blocks");
    }

    /// <summary>The module of a weight's key.</summary>
    private protected static string Module(Weight weight) => weight.Key[..^".weight".Length];
}

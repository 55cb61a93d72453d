using System.Runtime.InteropServices;
using PeaEngine.Formats;

namespace PeaEngine.Train.Optimizers;

/// <summary>
/// What the loss is multiplied by before gradients of F16 (arXiv 1710.03740): as much as they bear. It is halved by a step whose gradients are not finite, and doubled after many that were; always a power of two,
/// so that it can be divided out again without a trace.
/// </summary>
sealed class LossScale
{
    /// <summary>The first, and after so many finite steps it is doubled.</summary>
    public const int First = 1 << 16, GrowsAfter = 2000;

    const string Key = "optimizer.loss_scale";

    long finiteSteps;

    /// <summary>The next step's.</summary>
    public double Value { get; private set; } = First;

    /// <summary>Takes in how a step went.</summary>
    public void Update(bool isFinite)
    {
        finiteSteps = isFinite ? finiteSteps + 1 : 0;
        if (!isFinite) Value /= 2;
        if (finiteSteps < GrowsAfter) return;
        (Value, finiteSteps) = (2 * Value, 0);
    }

    /// <summary>For a checkpoint.</summary>
    public TensorContent State() => TensorContent.FromBytes(new(Key, DType.F64, [2]), MemoryMarshal.AsBytes<double>([Value, finiteSteps]).ToArray());

    /// <summary>Goes on from a checkpoint; from one of a run without a scale it begins anew.</summary>
    /// <exception cref="PeaException">What the checkpoint has is no scale.</exception>
    public void Load(ITensorSource source)
    {
        if (!source.Tensors.TryGetValue(Key, out var info)) return;
        Span<double> values = stackalloc double[2];
        if (info.DType != DType.F64 || info.Elements != values.Length) throw new PeaException($"{source.Path}: tensor '{Key}' is {info}, expected [{values.Length}] F64");
        source.Read(Key, 0, MemoryMarshal.AsBytes(values));
        if (!double.IsPow2(values[0]) || values[1] is not (>= 0 and < GrowsAfter)) throw new PeaException($"{source.Path}: a loss scale of {values[0]} after {values[1]} finite steps, expected a power of two and 0 to {GrowsAfter - 1}");
        (Value, finiteSteps) = (values[0], (long)values[1]);
    }
}

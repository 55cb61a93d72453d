namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void AdamW(Tensor parameter, Tensor gradient, Tensor m, Tensor v, AdamWStep step)
    {
        CheckSingle("adamw", parameter, gradient, m, v);
        // torch computes its scalars in double, too, and rounds them when they meet a tensor.
        Launch("adamw", new("adamw"), parameter, Vectors(parameter), parameter.Address, gradient.Address, m.Address, v.Address, parameter.Elements, (float)step.GradientScale,
            (float)(1 - step.LearningRate * step.WeightDecay), (float)(1 - step.Beta1), (float)step.Beta2, (float)(1 - step.Beta2), (float)(1 / Math.Sqrt(step.BiasCorrection2)), (float)step.Epsilon,
            (float)(step.LearningRate / step.BiasCorrection1));
    }
}

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void AdamW(Tensor parameter, Tensor gradient, Tensor m, Tensor v, Tensor? average, Tensor step, AdamWSettings settings)
    {
        CheckSingle("adamw", parameter, gradient, m, v, average, step);
        // torch computes its scalars in double, too, and rounds them when they meet a tensor.
        Launch("adamw", new("adamw"), parameter, Vectors(parameter), parameter.Address, gradient.Address, m.Address, v.Address, Address(average), step.Address, parameter.Elements,
            (float)(1 - settings.Beta1), (float)settings.Beta2, (float)(1 - settings.Beta2), (float)settings.Epsilon, (float)settings.AverageDecay, (float)(1 - settings.AverageDecay));
    }
}

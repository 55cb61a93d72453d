namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void AdamWFactors(Tensor squares, Tensor losses, Tensor rates, Tensor norm, Tensor step)
    {
        CheckSingle("adamw_factors", squares, step);
        CheckDouble("adamw_factors", losses, rates, norm);
        Launch("adamw_factors", new("adamw_factors"), step, new(1, Threads), squares.Address, losses.Address, rates.Address, norm.Address, step.Address, (int)squares.Elements, (int)losses.Elements);
    }
}

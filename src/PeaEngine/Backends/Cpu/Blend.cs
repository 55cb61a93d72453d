namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Blend(Tensor a, Tensor b, Tensor mask, Tensor y)
    {
        float* pa = (float*)a.Address, pb = (float*)b.Address, pm = (float*)mask.Address, py = (float*)y.Address;
        for (long i = 0; i < y.Elements; i++) py[i] = pa[i] * (1 - pm[i]) + pb[i] * pm[i];
    }
}

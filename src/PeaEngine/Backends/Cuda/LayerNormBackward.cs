using PeaEngine.Cuda;

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void LayerNormBackward(Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual = null, Tensor? dGamma = null, Tensor? dBeta = null) =>
        RowNormBackward("layer_norm_backward", x, gamma, dy, dx, epsilon, residual, dGamma, dBeta);

    /// <summary>The gradients of a norm over rows: those of parameters first, since dx may be dy.</summary>
    void RowNormBackward(string op, Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual, Tensor? dGamma, Tensor? dBeta)
    {
        CheckTypes(op, dx, x, dy, residual);
        CheckSingle(op, gamma, dGamma, dBeta);
        var suffix = Suffix(dx.DType);
        int rows = x.Shape.Rows, channels = x.Shape[-1];
        if (dGamma is { } gammas && rows > 0)
        {
            var (chunk, chunks) = Chunks(rows);
            var sums = dBeta is null ? 1 : 2;
            nint statistics = Workspace((long)MomentBytes * rows + sizeof(float) * (long)sums * chunks * channels), products = statistics + MomentBytes * rows, parts = products + sizeof(float) * chunks * channels;
            Launch(op, new(op, "statistics", suffix), x, Rows(x), x.Address, statistics, rows, channels, epsilon);
            Launch(op, new(op, "parameters", suffix), x, new(new Extents(Blocks(channels, NormColumns * VectorElements(x.DType)), chunks), new Extents(NormColumns, NormRows)),
                x.Address, dy.Address, statistics, products, parts, rows, channels, chunk);
            AddParts(products, gammas, chunks);
            if (dBeta is { } betas) AddParts(parts, betas, chunks);
        }
        Launch(op, new(op, suffix), dx, Rows(dx), x.Address, gamma.Address, dy.Address, Address(residual), dx.Address, rows, channels, epsilon);
    }
}

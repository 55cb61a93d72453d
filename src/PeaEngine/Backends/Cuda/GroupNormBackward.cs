using PeaEngine.Cuda;

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void GroupNormBackward(Tensor x, Tensor gamma, Tensor beta, Tensor dy, Tensor dx, int groups, float epsilon, bool silu, Tensor? dGamma = null, Tensor? dBeta = null)
    {
        const string Op = "group_norm_backward";
        CheckTypes(Op, dx, x, dy);
        CheckSingle(Op, gamma, beta, dGamma, dBeta);
        if (x.Elements == 0) return;
        int batch = x.Shape[0], channels = x.Shape[-1], pixels = x.Shape.Rows / batch, chunk = Math.Max(NormPixels, Blocks(pixels, MostNormChunks)), chunks = Blocks(pixels, chunk);
        var suffix = Suffix(dx.DType);
        var columns = Blocks(channels, NormColumns * VectorElements(dx.DType));
        var block = new Extents(NormColumns, NormRows);
        // What there is of each channel of a sample: factors, statistics, and the gradients of gamma and beta. Before them moments, whose place the sums take.
        long values = (long)sizeof(float) * batch * channels;
        nint factors = Workspace(values * (8 + 2 * chunks)), statistics = factors + (nint)(4 * values), gammas = factors + (nint)(6 * values), betas = factors + (nint)(7 * values);
        nint products = factors + (nint)(8 * values), sums = products + (nint)(chunks * values);
        Launch("group_norm", new("group_norm_moments", suffix), x, new(new(chunks, columns, batch), block), x.Address, products, pixels, channels, chunk);
        Launch("group_norm", new("group_norm_merge"), x, new(new(groups, batch), Threads), products, 0, statistics, pixels, channels, chunk, chunks, epsilon);
        Launch(Op, new(Op, "sums", suffix), x, new(new(columns, chunks, batch), block), x.Address, dy.Address, statistics, gamma.Address, beta.Address, products, sums, pixels, channels, chunk, silu ? 1 : 0);
        Launch(Op, new(Op, "merge"), x, new(new(groups, batch), Threads), statistics, gamma.Address, products, sums, gammas, betas, factors, pixels, channels, chunks);
        Launch(Op, new(Op, "apply", suffix), dx, new(new(columns, Blocks(pixels, NormPixels), batch), block), x.Address, dy.Address, factors, beta.Address, dx.Address, pixels, channels, NormPixels, silu ? 1 : 0);
        if (dGamma is not { } dGammas || dBeta is not { } dBetas) return;
        AddParts(gammas, dGammas, batch);
        AddParts(betas, dBetas, batch);
    }
}

using PeaEngine.Cuda;

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <summary>Threads of a norm's block side by side, and below each other.</summary>
    const int NormColumns = 32, NormRows = 8;

    /// <summary>Pixels of a chunk, at least, and chunks of a sample, at most. Neither follows from the device, so that the sums do not.</summary>
    const int NormPixels = 32, MostNormChunks = 128;

    /// <summary>Bytes of a mean and what belongs to it.</summary>
    const int MomentBytes = 2 * sizeof(float);

    /// <inheritdoc/>
    public override void GroupNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, int groups, float epsilon, bool silu)
    {
        CheckTypes("group_norm", y, x);
        CheckSingle("group_norm", gamma, beta);
        int batch = x.Shape[0], channels = x.Shape[-1], pixels = x.Shape.Rows / batch, chunk = Math.Max(NormPixels, Blocks(pixels, MostNormChunks)), chunks = Blocks(pixels, chunk);
        var suffix = Suffix(y.DType);
        var columns = Blocks(channels, NormColumns * VectorElements(y.DType));
        var block = new Extents(NormColumns, NormRows);
        nint moments = Workspace((long)MomentBytes * batch * (chunks + 1) * channels), factors = moments + MomentBytes * batch * chunks * channels;
        Launch("group_norm", new("group_norm_moments", suffix), y, new(new(chunks, columns, batch), block), x.Address, moments, pixels, channels, chunk);
        Launch("group_norm", new("group_norm_merge"), y, new(new(groups, batch), Threads), moments, gamma.Address, factors, pixels, channels, chunk, chunks, epsilon);
        Launch("group_norm", new("group_norm_apply", suffix), y, new(new(Blocks(pixels, NormPixels), columns, batch), block), x.Address, factors, beta.Address, y.Address, pixels, channels, NormPixels, silu ? 1 : 0);
    }
}

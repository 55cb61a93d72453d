using PeaEngine.Cuda;

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <summary>Rows of keys or of queries that a block of the gradients' kernels owns, on tensor cores and plainly.</summary>
    const int FlashOwners = 64, PlainOwners = 4;

    /// <summary>Channels that the plain kernels with few of them take.</summary>
    const int FewHeadChannels = 64;

    /// <summary>The gradients' kernels for vectors of eight by the channels they are made for, ascending, with the rows that a block meets at a time.</summary>
    static readonly (int Channels, string Name, int Others)[] backwardKernels = [(32, "32", 64), (48, "48", 64), (64, "64", 32), (80, "80", 32), (160, "160", 16)];

    /// <inheritdoc/>
    public override void AttentionBackward(Tensor q, Tensor k, Tensor v, Tensor y, Tensor logSumExp, Tensor dy, Tensor dq, Tensor dk, Tensor dv, int heads, float scale, AttentionMask mask = default, Tensor? dBias = null)
    {
        const string Op = "attention_backward", Plain = "attention_backward_plain";
        CheckTypes(Op, q, k, v, y, dy, dq, dk, dv);
        CheckSingle(Op, logSumExp, mask.Bias, dBias);
        int batch = q.Shape[0], queries = q.Shape[1], keys = k.Shape[1], channels = q.Shape[2] / heads;
        if (channels > MostHeadChannels) throw new PeaException($"{Op}: {channels} channels a head, expected up to {MostHeadChannels}");
        var suffix = Suffix(q.DType);
        var rows = batch * queries * heads;
        var deltas = Workspace((long)sizeof(float) * Math.Max(rows, 1));
        Launch(Op, new("deltas", suffix), q, new(Blocks(rows, RowWarps), new Extents(RowLanes, RowWarps)), y.Address, dy.Address, deltas, rows, queries, heads, channels);
        var bias = mask.Bias;
        if (dBias is { } sum)
            Launch(Plain, new("bias_backward", suffix), sum, new(new Extents(Blocks(keys, RowLanes), Blocks(queries, RowWarps), sum.Shape[0] * sum.Shape[1]), new Extents(RowLanes, RowWarps)),
                q.Address, k.Address, v.Address, dy.Address, logSumExp.Address, deltas, sum.Address, batch, queries, keys, heads, channels, scale, Address(mask.KeyPadding), Address(bias), mask.Causal ? 1 : 0,
                sum.Shape[0], sum.Shape[1]);
        var (name, others, width) = FlashBackward(q.DType, channels, channels % 8 == 0 && Aligned(q, k, v, dy, dq, dk, dv));
        var isPlain = others == 0;
        int owners = isPlain ? PlainOwners : FlashOwners, sharedBytes = isPlain ? 0 : 2 * (FlashOwners + 2 * others) * HeadRowBytes(width) + 4 * others * sizeof(float);
        Run(isPlain ? "plain_backward_keys" : "attention_backward_keys", dk, keys);
        Run(isPlain ? "plain_backward_queries" : "attention_backward_queries", dq, queries);

        void Run(string kernel, Tensor gradient, int owned) =>
            Launch(isPlain ? Plain : Op, new(kernel, name, suffix), gradient, new(new Extents(Blocks(owned, owners), heads, batch), 128, sharedBytes), q.Address, k.Address, v.Address, dy.Address, logSumExp.Address,
                deltas, dq.Address, dk.Address, dv.Address, queries, keys, heads, channels, scale, Address(mask.KeyPadding), Address(bias), mask.Causal ? 1 : 0, bias?.Shape[0] ?? 1, bias?.Shape[1] ?? 1);
    }

    /// <summary>The kernels for a head's channels, the rows that a block meets at a time, none without tensor cores, and the channels that it makes of them.</summary>
    static (string Name, int Others, int Channels) FlashBackward(DType dtype, int channels, bool vectors)
    {
        var kernel = backwardKernels[^1];
        if (dtype == DType.F32 && channels <= FewHeadChannels) return ("64", 0, channels);
        if (dtype == DType.F32 || channels > kernel.Channels) return ("512", 0, channels);
        for (var i = backwardKernels.Length - 1; vectors && i >= 0 && backwardKernels[i].Channels >= channels; i--) kernel = backwardKernels[i];
        return (vectors ? kernel.Name : "any", kernel.Others, kernel.Channels);
    }
}

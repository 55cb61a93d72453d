using PeaEngine.Cuda;

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    const int MostHeadChannels = 512;

    /// <summary>The kernels for vectors of eight by the channels they are made for, ascending, with the queries and keys of a block.</summary>
    static readonly (int Channels, string Name, int Queries, int Keys)[] flashKernels =
        [(16, "16", 128, 64), (32, "32", 128, 64), (48, "48", 128, 64), (64, "64", 128, 64), (80, "80", 64, 64), (128, "128", 64, 64), (160, "160", 64, 32)];

    /// <inheritdoc/>
    public override void Attention(Tensor q, Tensor k, Tensor v, Tensor y, int heads, float scale, AttentionMask mask = default, Tensor? logSumExp = null)
    {
        CheckTypes("attention", y, q, k, v);
        CheckSingle("attention", mask.Bias, logSumExp);
        int batch = q.Shape[0], queries = q.Shape[1], keys = k.Shape[1], channels = q.Shape[2] / heads;
        if (channels > MostHeadChannels) throw new PeaException($"attention: {channels} channels a head, expected up to {MostHeadChannels}");
        var (program, entry, rows, threads, sharedBytes) = Flash(y.DType, channels, channels % 8 == 0 && Aligned(q, k, v, y));
        var bias = mask.Bias;
        Launch(program, entry, y, new(new Extents((queries + rows - 1) / rows, heads, batch), threads, sharedBytes), q.Address, k.Address, v.Address, y.Address, Address(logSumExp), queries, keys, heads, channels,
            scale, Address(mask.KeyPadding), Address(bias), mask.Causal ? 1 : 0, bias?.Shape[0] ?? 1, bias?.Shape[1] ?? 1);
    }

    /// <summary>The kernel for a head's channels, its queries and threads a block, and its shared memory.</summary>
    static (string Program, EntryName Entry, int Rows, int Threads, int SharedBytes) Flash(DType dtype, int channels, bool vectors)
    {
        var suffix = Suffix(dtype);
        if (dtype == DType.F32) return ("attention_plain", new("attention_plain", channels <= FewHeadChannels ? "64" : "512", suffix), PlainOwners, 128, 0);
        var kernel = flashKernels[^1];
        if (channels > kernel.Channels) return ("attention_wide", vectors ? new("attention_wide", suffix) : new("attention_wide", "any", suffix), 64, 256, 101120);
        for (var i = flashKernels.Length - 1; vectors && i >= 0 && flashKernels[i].Channels >= channels; i--) kernel = flashKernels[i];
        var (width, name, rows, keys) = kernel;
        return ("attention", new("attention", vectors ? name : "any", suffix), rows, 128, Math.Max(rows, 3 * keys) * HeadRowBytes(width));
    }

    /// <summary>Bytes from row to row of so many channels in shared memory (<c>HeadRows</c> of <c>attention.cuh</c>).</summary>
    static int HeadRowBytes(int channels) => (channels % 64 == 0 ? channels + 8 : channels) * 2;
}

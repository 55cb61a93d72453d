namespace PeaEngine.Backends;

/// <summary>A bias [1 or B, 1 or heads, Tq, Tk] of attention, or none.</summary>
readonly unsafe struct HeadMatrices
{
    readonly float* data;
    readonly long batchStride, headStride;

    HeadMatrices(Tensor bias)
    {
        data = (float*)bias.Address;
        long matrix = (long)bias.Shape[2] * bias.Shape[3];
        batchStride = bias.Shape[0] > 1 ? bias.Shape[1] * matrix : 0;
        headStride = bias.Shape[1] > 1 ? matrix : 0;
    }

    public static HeadMatrices Of(Tensor? bias) => bias is { } tensor ? new(tensor) : default;

    /// <summary>The matrix [Tq, Tk] of a head, or null.</summary>
    public float* At(int batch, int head) => data == null ? null : data + batch * batchStride + head * headStride;
}

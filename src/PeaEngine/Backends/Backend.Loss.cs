namespace PeaEngine;

public abstract partial class Backend
{
    /// <summary>y[b] = the mean of (a[b] − b[b])² over all but the first dimension: each sample's loss, which its weight is yet to multiply.</summary>
    /// <param name="a">[B, ..] T</param>
    /// <param name="b">[B, ..] T</param>
    /// <param name="y">[B] F32</param>
    public abstract void SquaredError(Tensor a, Tensor b, Tensor y);

    /// <summary>dx[b] = scale[b] · 2/n · (a[b] − b[b]) with n the elements of a sample: the gradient to a of Σ scale[b] · <see cref="SquaredError"/>[b].</summary>
    /// <param name="a">[B, ..] T</param>
    /// <param name="b">[B, ..] T</param>
    /// <param name="scale">[B] F32</param>
    /// <param name="dx">[B, ..] T</param>
    /// <param name="add">Whether dx is added to rather than overwritten.</param>
    public abstract void SquaredErrorBackward(Tensor a, Tensor b, Tensor scale, Tensor dx, bool add);

    /// <summary>
    /// sums[k] += Σ terms[r] · Σ samples[b] · errors[r, b], over row k of the errors, the last of the sums over all rows that are left: samples' losses become the parts of a step's. Products and sums are
    /// rounded one by one to double, in this order, so that every backend gives the same bits.
    /// </summary>
    /// <param name="errors">[rows, B] F32</param>
    /// <param name="samples">[B] F64</param>
    /// <param name="terms">[rows] F64</param>
    /// <param name="sums">[1 to 32] F64</param>
    public abstract void SumErrors(Tensor errors, Tensor samples, Tensor terms, Tensor sums);
}

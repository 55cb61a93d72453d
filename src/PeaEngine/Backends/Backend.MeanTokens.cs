namespace PeaEngine;

public abstract partial class Backend
{
    /// <summary>y[b] = the mean of x[b, t] over the tokens t that the mask has, summed in their order; zeros where it has none.</summary>
    /// <param name="x">[B, T, C] T</param>
    /// <param name="mask">[B, T] U8: tokens with 0 do not count. Without it all count.</param>
    /// <param name="y">[B, C] T</param>
    public abstract void MeanTokens(Tensor x, Tensor? mask, Tensor y);

    /// <summary>dx[b, t] = dy[b] / the number of tokens that the mask has, for each of them; zeros for the others.</summary>
    /// <param name="dy">[B, C] T</param>
    /// <param name="mask">[B, T] U8: tokens with 0 did not count. Without it all did.</param>
    /// <param name="dx">[B, T, C] T</param>
    /// <param name="add">Whether dx is added to rather than overwritten.</param>
    public abstract void MeanTokensBackward(Tensor dy, Tensor? mask, Tensor dx, bool add);

    /// <summary>y[b] += the sum of x[b, t] over all tokens t, in their order: the gradient of what was added to every token, such as a bias.</summary>
    /// <param name="x">[B, T, C] T</param>
    /// <param name="y">[B, C] F32, added to</param>
    public abstract void SumTokens(Tensor x, Tensor y);
}

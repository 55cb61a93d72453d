namespace PeaEngine;

/// <summary>What a LoRA adds to a matrix, a product of two narrow ones: scale · up · down.</summary>
/// <param name="Down">[rank, I] F32</param>
/// <param name="Up">[O, rank] F32</param>
/// <param name="Scale">What the product is multiplied by.</param>
public readonly record struct LowRank(Tensor Down, Tensor Up, float Scale)
{
    /// <summary>weight += scale · up · down.</summary>
    /// <param name="p">The pass; its memory is asked for as much as <see cref="Up"/> takes.</param>
    /// <param name="weight">[O, I] F32, or a convolution's whose inputs and taps are the factor's I.</param>
    public void AddTo(Pass p, Tensor weight)
    {
        ArgumentNullException.ThrowIfNull(p);
        using var scope = p.Scratch();
        var scaled = p.New(Up.Shape, Up.DType);
        p.Backend.Combine(scaled, new Term(Scale, Up));
        var matrix = weight.Reshape([Up.Shape[0], Down.Shape[1]]);
        // A product of a matrix with another that is not turned is what a gradient's way back through a linear layer is.
        p.Backend.LinearBackward(scaled, Down, matrix, residual: matrix);
    }

    /// <summary>
    /// Adds to the gradients of both factors, which are collected, from the input x [.., I] and the gradient dy [.., O] of a product with the
    /// weight; the gradient of the weight itself, which would be as large as it, is never made.
    /// </summary>
    public void Train(Pass p, Tensor x, Tensor dy)
    {
        ArgumentNullException.ThrowIfNull(p);
        using var scope = p.Scratch();
        Tensor narrow = p.New(x.Shape.WithLast(Down.Shape[0])), dNarrow = p.New(narrow.Shape);
        p.Backend.Linear(x, Down, null, narrow);
        p.Backend.Combine(narrow, new Term(Scale, narrow));
        p.Backend.LinearWeightBackward(narrow, dy, p.Gradients!.Of(Up)!.Value);
        p.Backend.LinearBackward(dy, Up, dNarrow);
        p.Backend.Combine(dNarrow, new Term(Scale, dNarrow));
        p.Backend.LinearWeightBackward(x, dNarrow, p.Gradients.Of(Down)!.Value);
    }
}

using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Lora;

/// <summary>What a LoRA file adds to one weight.</summary>
/// <param name="Component">The pipeline's component: unet, text_encoder or text_encoder_2.</param>
/// <param name="Module">The module as the file names it, with dots or underscores.</param>
abstract record LoraChange(string Component, string Module)
{
    /// <summary>Its matrices or convolutions.</summary>
    public abstract IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>What they are and what they are taken for, for messages.</summary>
    public abstract string Kind { get; }

    /// <summary>The memory that <see cref="AddTo"/> takes.</summary>
    public abstract long Bytes { get; }

    /// <summary>Whether it is for a weight of this shape.</summary>
    public abstract bool Fits(LoraWeight weight);

    /// <summary>sum += scale · the change.</summary>
    /// <param name="sum">[O, I] or a convolution's [O, k, k, I], F32</param>
    /// <param name="scale">What it is multiplied by.</param>
    /// <param name="fusion">Reads it.</param>
    public abstract void AddTo(Tensor sum, double scale, LoraFusion fusion);

    private protected static bool Is(TensorInfo info, params ReadOnlySpan<long> shape)
    {
        if (info.Shape.Count != shape.Length) return false;
        for (var i = 0; i < shape.Length; i++)
            if (info.Shape[i] != shape[i]) return false;
        return true;
    }

    private protected static long BytesOf(TensorInfo info) => Arena.Align(info.Elements * sizeof(float));
}

/// <summary>A LoRA in the word's sense: scale · factor · up · down.</summary>
/// <param name="Component">The pipeline's component.</param>
/// <param name="Module">The module as the file names it.</param>
/// <param name="Down">[rank, I] or a convolution's [rank, I, k, k].</param>
/// <param name="Up">[O, rank] or [O, rank, 1, 1].</param>
/// <param name="Factor">alpha/rank, or alpha/√rank for a rank-stabilised LoRA; 1 without an alpha.</param>
sealed record LoraPair(string Component, string Module, TensorInfo Down, TensorInfo Up, double Factor) : LoraChange(Component, Module)
{
    /// <summary>The inner extent of the product.</summary>
    public int Rank => (int)Down.Shape[0];

    public override IReadOnlyList<TensorInfo> Tensors => [Down, Up];

    public override string Kind => $"tensors {Quoted.Of(Down.Name)} {Down} and {Quoted.Of(Up.Name)} {Up}, expected factors";

    public override long Bytes => BytesOf(Down) + 2 * BytesOf(Up);

    public override bool Fits(LoraWeight weight)
    {
        var kernel = weight.Kernel;
        return (Is(Down, Rank, weight.Inputs, kernel, kernel) || (kernel == 1 && Is(Down, Rank, weight.Inputs)))
            && (Is(Up, weight.Outputs, Rank, 1, 1) || Is(Up, weight.Outputs, Rank));
    }

    public override void AddTo(Tensor sum, double scale, LoraFusion fusion)
    {
        Tensor down = fusion.Upload(Down, sum.Shape[-1]), up = fusion.Upload(Up, Rank);
        new LowRank(down, up, (float)(scale * Factor)).AddTo(fusion.Pass, sum);
    }
}

/// <summary>A change of any rank: scale · values, as LyCORIS' full algorithm saves it and ComfyUI reads it, for whom an alpha beside it means nothing.</summary>
/// <param name="Component">The pipeline's component.</param>
/// <param name="Module">The module as the file names it.</param>
/// <param name="Values">[O, I] or a convolution's [O, I, k, k].</param>
sealed record LoraDifference(string Component, string Module, TensorInfo Values) : LoraChange(Component, Module)
{
    public override IReadOnlyList<TensorInfo> Tensors => [Values];

    public override string Kind => $"tensor {Quoted.Of(Values.Name)} {Values}, expected a difference";

    public override long Bytes => BytesOf(Values);

    public override bool Fits(LoraWeight weight) =>
        Is(Values, weight.Outputs, weight.Inputs, weight.Kernel, weight.Kernel) || (weight.Kernel == 1 && Is(Values, weight.Outputs, weight.Inputs));

    public override void AddTo(Tensor sum, double scale, LoraFusion fusion) =>
        fusion.Pass.Backend.Combine(sum, new(1, sum), new((float)scale, fusion.Upload(Values, sum.Shape[-1])));
}

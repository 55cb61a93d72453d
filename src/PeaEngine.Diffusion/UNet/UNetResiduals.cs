namespace PeaEngine.Diffusion.UNet;

/// <summary>
/// What is added inside a UNet (diffusers' down_block_additional_residuals and mid_block_additional_residual): the output of
/// ControlNets. Its batch may be smaller than the UNet's; it then belongs to the last samples, which are the conditional ones.
/// </summary>
public sealed class UNetResiduals
{
    readonly List<Tensor> down = [];

    /// <summary>For the skip connections, outermost first, each [B, H, W, C].</summary>
    public IReadOnlyList<Tensor> Down => down;

    /// <summary>For the middle, [B, H, W, C].</summary>
    public Tensor Mid { get; private set; }

    /// <summary>Takes the place of what was there; uses its memory again.</summary>
    internal void Set(List<(Tensor Tensor, long Mark)> skips, Tensor mid)
    {
        down.Clear();
        foreach (var (tensor, _) in skips) down.Add(tensor);
        Mid = mid;
    }

    /// <summary>Adds those of another ControlNet for the same UNet.</summary>
    /// <exception cref="PeaException">Their number or a shape differs.</exception>
    public void Add(Pass p, UNetResiduals other)
    {
        if (other.Down.Count != down.Count) throw new PeaException($"controlnet: {other.Down.Count} residuals, expected {down.Count}");
        for (var i = 0; i < down.Count; i++) Add(p, down[i], other.Down[i], down[i]);
        Add(p, Mid, other.Mid, Mid);
    }

    /// <summary>Writes y [B, H, W, C] = x, with residual [b, H, W, C] added to its last b samples; y may be x.</summary>
    internal static void Add(Pass p, Tensor x, Tensor residual, Tensor y)
    {
        int count = residual.Shape[0], first = x.Shape[0] - count;
        if (first < 0 || residual.Shape != [count, x.Shape[1], x.Shape[2], x.Shape[3]])
            throw new PeaException($"unet: a residual {residual.Shape}, expected {x.Shape}, or as much of fewer samples");
        if (first > 0 && (y.ByteOffset != x.ByteOffset || y.Storage != x.Storage)) p.Backend.Copy(x.Slice(0, first), y.Slice(0, first));
        p.Backend.Combine(y.Slice(first, count), new Term(1, x.Slice(first, count)), new Term(1, residual));
    }
}

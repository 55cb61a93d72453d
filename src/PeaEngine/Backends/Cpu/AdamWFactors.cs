namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void AdamWFactors(Tensor squares, Tensor losses, Tensor rates, Tensor norm, Tensor step)
    {
        double sum = 0, loss = 0;
        foreach (var square in squares.AsSpan<float>()) sum += square;
        foreach (var part in losses.AsSpan<double>()) loss += part;
        var given = rates.AsSpan<double>();
        double scale = given[0], length = Math.Sqrt(sum) / scale;
        var moves = double.IsFinite(loss) && double.IsFinite(length);
        var lengths = norm.AsSpan<double>();
        (lengths[0], lengths[1]) = (length, moves ? 1 : 0);
        var factors = step.AsSpan<float>();
        factors[0] = moves ? (float)(Math.Min(1, given[1] / (length + 1e-6)) / scale) : 0;
        for (var i = 1; i <= 3; i++) factors[i] = (float)given[1 + i];
        factors[4] = moves ? 1 : 0;
    }
}

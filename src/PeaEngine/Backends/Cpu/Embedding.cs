namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Embedding(Tensor ids, Tensor table, Tensor? positions, Tensor y)
    {
        int tokens = ids.Shape[-1], c = table.Shape[1];
        for (var row = 0; row < y.Shape.Rows; row++)
        {
            var id = ((int*)ids.Address)[row];
            var to = (float*)y.Address + (long)row * c;
            for (var i = 0; i < c; i++)
                to[i] = Weight(table, (long)id * c + i) + (positions is { } p ? Weight(p, (long)(row % tokens) * c + i) : 0);
        }
    }

    /// <inheritdoc/>
    public override void TimestepEmbedding(Tensor values, Tensor y, bool flipSinToCos, float shift)
    {
        int dim = y.Shape[1], half = dim / 2;
        for (var row = 0; row < y.Shape[0]; row++)
        {
            var t = ((float*)values.Address)[row];
            var to = (float*)y.Address + (long)row * dim;
            if (dim % 2 == 1) to[dim - 1] = 0;
            for (var i = 0; i < half; i++)
            {
                var angle = t * MathF.Exp(-MathF.Log(10000) * i / (half - shift));
                to[flipSinToCos ? i : half + i] = MathF.Cos(angle);
                to[flipSinToCos ? half + i : i] = MathF.Sin(angle);
            }
        }
    }
}

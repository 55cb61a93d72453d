using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Lora;

/// <summary>Adds the products of one file to weights, on the backend; its memory serves all pairs of the file.</summary>
sealed class LoraFusion : IDisposable
{
    readonly LoraFile file;
    readonly Pass pass;
    readonly float[] values, turned;

    /// <summary>Takes the memory of the largest pair.</summary>
    public LoraFusion(Backend backend, LoraFile file)
    {
        this.file = file;
        var largest = file.Pairs.Max(pair => Math.Max(pair.Down.Elements, pair.Up.Elements));
        (values, turned) = (new float[largest], new float[file.Pairs.Max(pair => pair.Down.Elements)]);
        pass = new(backend, new(backend, file.Pairs.Max(pair => Bytes(pair.Down) + Bytes(pair.Up))));
    }

    /// <summary>weight += scale · factor · up · down, in F32; the weight is F32 from then on.</summary>
    /// <exception cref="PeaException">The file cannot be read, or there is no memory.</exception>
    public void Add(LoraPair pair, Weight weight, double scale)
    {
        var sum = weight.Widen(pass.Backend);
        int rank = pair.Rank, outputs = sum.Shape[0], columns = (int)(sum.Elements / outputs);
        using var scope = pass.Scratch();
        Tensor up = pass.New([outputs, rank]), down = pass.New([columns, rank]);
        var scaled = values.AsSpan(0, outputs * rank);
        file.Read(pair.Up, scaled);
        var factor = scale * pair.Factor;
        foreach (ref var value in scaled) value = (float)(value * factor);
        pass.Backend.Upload(scaled, up);

        var rows = values.AsSpan(0, rank * columns);
        file.Read(pair.Down, rows);
        Turn(rows, turned, rank, sum.Shape[-1], columns / sum.Shape[-1]);
        pass.Backend.Upload(turned.AsSpan(0, rows.Length), down);

        var matrix = sum.Reshape([outputs, columns]);
        pass.Backend.Linear(up, down, null, matrix, residual: matrix);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose() => pass.Arena.Dispose();

    /// <summary>[rank, inputs, taps], a convolution as files have it, to [taps, inputs, rank]: a column of the product for each row, in the backend's order.</summary>
    static void Turn(ReadOnlySpan<float> from, Span<float> to, int rank, int inputs, int taps)
    {
        var columns = inputs * taps;
        for (var tap = 0; tap < taps; tap++)
            for (var input = 0; input < inputs; input++)
            {
                var row = to.Slice((tap * inputs + input) * rank, rank);
                var at = input * taps + tap;
                for (var r = 0; r < rank; r++, at += columns) row[r] = from[at];
            }
    }

    static long Bytes(TensorInfo info) => Arena.Align(info.Elements * sizeof(float));
}

using PeaEngine.Diffusion.UNet;

namespace PeaEngine.Train.Distillation;

/// <summary>Sums over each of the teacher's blocks' outputs in a pass: ops alone, whose results stay at the kept end of its memory.</summary>
sealed class FeatureMoments
{
    readonly Backend backend;
    readonly long[] elements;
    readonly Tensor sums, squares;

    /// <summary>Takes them.</summary>
    public FeatureMoments(Pass p, UNetFeatures teacher)
    {
        backend = p.Backend;
        elements = [.. teacher.Blocks.Select(block => block.Value.Elements)];
        (sums, squares) = (p.Keep([elements.Length, 1], DType.F32), p.Keep([elements.Length], DType.F32));
        backend.Clear(sums);
        for (var i = 0; i < elements.Length; i++) Add(p, teacher.Blocks[i].Value, sums.Slice(i, 1), squares.Slice(i, 1));
    }

    /// <summary>Adds for each block how many elements it has, their sum, and the sum of their squares.</summary>
    /// <param name="to">[blocks, 3]</param>
    public void AddTo(Span<double> to)
    {
        float[] sum = new float[elements.Length], square = new float[elements.Length];
        backend.Download(sums, sum);
        backend.Download(squares, square);
        for (var i = 0; i < elements.Length; i++)
        {
            to[3 * i] += elements[i];
            to[3 * i + 1] += sum[i];
            to[3 * i + 2] += square[i];
        }
    }

    static void Add(Pass p, Tensor x, Tensor sum, Tensor square)
    {
        using var scope = p.Scratch();
        var channels = x.Shape[-1];
        p.Backend.SumSquares(p.Cast(x, DType.F32), square);
        var ofChannels = p.New([1, channels], DType.F32);
        p.Backend.Clear(ofChannels);
        p.Backend.SumTokens(x.Reshape([1, x.Shape.Rows, channels]), ofChannels);
        p.Backend.SumTokens(ofChannels.Reshape([1, channels, 1]), sum);
    }
}

using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Diffusion.UNet;

namespace PeaEngine.Train.Evaluation;

/// <summary>Predicts what the noise of a reference's cases holds, several cases at once.</summary>
sealed class CasePredictions(Backend backend, UNet2DConditionModel unet, EvaluationReference reference)
{
    /// <summary>Cases of one run of the UNet: more make it no faster, and memory grows with them.</summary>
    const int BatchSize = 24;

    readonly int size = (int)(reference.Noise.Length / reference.NoiseShape[0]);

    /// <summary>The UNet's outputs by timestep, each [cases, C, h, w].</summary>
    /// <param name="texts">A row for each case, beginning with the first.</param>
    /// <param name="report">Told the number of new predictions, batch by batch.</param>
    /// <param name="cancellation">Ends it within a block.</param>
    public float[][] Run(PromptEmbeddings texts, Action<int> report, CancellationToken cancellation)
    {
        var count = texts.Rows;
        var predictions = reference.Timesteps.Select(_ => new float[count * size]).ToArray();
        // Batches of nearly one size, none of them small.
        var batches = (count + BatchSize - 1) / BatchSize;
        for (var i = 0; i < batches; i++)
        {
            int first = count * i / batches, rows = count * (i + 1) / batches - first;
            MeasuredArena.Run(backend, p => Run(p, texts, first, rows, predictions), cancellation);
            report(rows * predictions.Length);
        }
        return predictions;
    }

    void Run(Pass p, PromptEmbeddings texts, int first, int rows, float[][] predictions)
    {
        var shape = reference.NoiseShape;
        Tensor sample = p.Keep([rows, shape[2], shape[3], shape[1]]), timesteps = p.Keep([rows], DType.F32);
        var conditioning = Condition(p, texts, first, rows, sample);
        for (var i = 0; i < predictions.Length; i++)
        {
            using var scope = p.Scratch();
            Tensor output = p.New([rows, unet.Config.OutChannels, shape[2], shape[3]]);
            var values = new float[rows];
            Array.Fill(values, reference.Timesteps[i]);
            p.Backend.Upload(values, timesteps);
            p.Backend.ToChannelsFirst(unet.Forward(p, sample, timesteps, conditioning), output);
            p.Backend.Download(output, predictions[i].AsSpan(first * size, rows * size));
        }
    }

    /// <summary>Fills the sample, and gives what all timesteps share.</summary>
    UNetConditioning Condition(Pass p, PromptEmbeddings texts, int first, int rows, Tensor sample)
    {
        using var scope = p.Scratch();
        Tensor Rows(float[] all)
        {
            var width = all.Length / texts.Rows;
            var tensor = p.New([rows, width]);
            p.Backend.Upload(all.AsSpan(first * width, rows * width), tensor);
            return tensor;
        }
        var shape = reference.NoiseShape;
        var noise = p.New([rows, shape[1], shape[2], shape[3]]);
        p.Backend.Upload(reference.Noise.AsSpan(first * size, rows * size), noise);
        p.Backend.ToChannelsLast(noise, sample);
        var sequence = Rows(texts.Sequence);
        return unet.Condition(p, sequence.Reshape([rows, texts.Tokens, sequence.Shape[1] / texts.Tokens]), texts.Pooled is { } pooled ? Rows(pooled) : null, unet.Config.IsTextTime ? TimeIds(p, rows) : null);
    }

    Tensor TimeIds(Pass p, int rows)
    {
        var tensor = p.New([rows, reference.TimeIds.Length], DType.F32);
        for (var i = 0; i < rows; i++) p.Backend.Upload(reference.TimeIds, tensor.Slice(i, 1));
        return tensor;
    }
}

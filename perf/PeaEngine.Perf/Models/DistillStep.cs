using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Schedulers;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Formats;
using PeaEngine.Train.Config;
using PeaEngine.Train.Distillation;
using PeaEngine.Train.Optimizers;
using PeaEngine.Train.Targets;
using PeaEngine.Train.Training;

namespace PeaEngine.Perf.Models;

/// <summary>
/// One step of distilling the sample model, or SDXL in its own size, from embeddings that are there: teacher and student, losses, gradients, AdamW. The UNet's weights are
/// as stored; what is trained is the adapter, or the UNet.
/// </summary>
sealed class DistillStep(string name, TrainTarget kind, int batch, int size, int tokens, bool isFullSize = false) : IBenchmark
{
    public string Op => name;

    public IReadOnlyList<(string, int)> Arguments => [("batch", batch), ("size", size), ("tokens", tokens)];

    public double Flops => 0;

    public double Bytes => 0;

    public Action Set(Room room)
    {
        var (unet, adapter, schedule) = isFullSize ? FullSize(room) : Sample(room);
        var target = room.Own(TrainingTarget.Create(kind, room.Backend, unet, adapter, new(), seed: 1));
        var rate = new LearningRate(LearningRateSchedule.Constant, 3e-4, 0, 1, 0, 1);
        var optimizer = room.Own(new Optimizer(room.Backend, target.Parameters, new(rate) { MaxGradNorm = 1 }, DistillationLoss.Parts));
        using var scheduler = Scheduler.FromConfig(schedule);
        var options = new DistillationOptions { FeatureWeight = 1e-4 };
        var unconditional = new UnconditionalText(new float[tokens * adapter.InFeatures], Ones(tokens), new float[tokens * adapter.SequenceFeatures]);
        var distiller = room.Own(new Distiller(room.Backend, unet, target, [.. scheduler.AlphasCumprod], options, unconditional));
        var random = new Random(1);
        var step = new DistillationBatch([batch, 4, size, size], Normal(random, batch * 4 * size * size), Normal(random, batch * 4 * size * size),
            [.. Enumerable.Range(0, batch).Select(_ => random.Next(1000))], Normal(random, batch * tokens * adapter.InFeatures), Ones(batch * tokens),
            Normal(random, batch * tokens * adapter.SequenceFeatures), Normal(random, batch * adapter.PooledFeatures!.Value), Filled(batch * 6, 64f), new bool[batch], new bool[batch]);
        // As a run does it: recorded as a whole, while the next batch is on its way, and its numbers are waited for.
        return () =>
        {
            optimizer.Begin();
            distiller.Accumulate(step, optimizer.Losses, optimizer.Move, 1, 1, default);
            distiller.Prepare(step);
            optimizer.End();
        };
    }

    static (UNet2DConditionModel, PeaAdapter, JsonConfig) Sample(Room room)
    {
        var samples = Path.Combine(Machine.Root, "samples", "emoji");
        var folder = DiffusersFolder.Open(Path.Combine(samples, "teacher"));
        using var weights = folder.Component("unet").OpenWeights();
        return (room.Own(UNet2DConditionModel.Load(room.Backend, folder.Component("unet").Config, weights)),
            room.Own(PeaAdapter.Load(Path.Combine(samples, "initial-adapter.safetensors"), room.Backend, DType.F32)), folder.Component("scheduler").Config);
    }

    /// <summary>With the adapter of a student of 1024 channels.</summary>
    static (UNet2DConditionModel, PeaAdapter, JsonConfig) FullSize(Room room)
    {
        const int Student = 1024, Hidden = 2048, Pooled = 1280, Sequence = 2048;
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "adapter.safetensors");
        FreshAdapter.Write(file, 1, [Student, Hidden, Pooled], Sequence, new Dictionary<string, string>());
        return (room.Own(FullSizeSdxl.LoadUNet(room.Backend)), room.Own(PeaAdapter.Load(file, room.Backend, DType.F32)), FullSizeSdxl.SchedulerConfig);
    }

    static byte[] Ones(int count) => Filled(count, (byte)1);

    static T[] Filled<T>(int count, T value)
    {
        var values = new T[count];
        Array.Fill(values, value);
        return values;
    }

    static float[] Normal(Random random, int count)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++) values[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        return values;
    }
}

using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Lora;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Formats;
using PeaEngine.Train;
using PeaEngine.Train.Config;
using PeaEngine.Train.Distillation;
using PeaEngine.Train.Optimizers;
using PeaEngine.Train.Targets;

namespace PeaEngine.Tests.Train;

/// <summary>Targets that change the UNet of the sample model: its teacher stays what it was, and what they write draws as they trained.</summary>
public sealed class UNetTargetTests : IDisposable
{
    const int Rank = 3, Batch = 2, Tokens = 32;
    const double Alpha = 4.5;

    static readonly string Samples = Path.Combine(Repository.Root, "samples", "emoji");
    static readonly PipelineSource Source = new(Path.Combine(Samples, "teacher")) { Student = Path.Combine(Samples, "student"), Adapter = Path.Combine(Samples, "adapter.safetensors") };
    static readonly GenerateOptions Options = new() { Prompt = "老虎头，扁平图标", Steps = 2, Seed = 5 };

    readonly TemporaryFolder folder = new();
    readonly Backend backend = Device.Open("cpu", 2);
    readonly DiffusionPipeline pipeline;
    readonly PeaAdapter adapter;

    public UNetTargetTests()
    {
        pipeline = DiffusionPipeline.Load(Source, backend);
        adapter = PeaAdapter.Load(Source.Adapter!, backend, DType.F32);
    }

    public static TheoryData<TrainTarget> Targets => [TrainTarget.Lora, TrainTarget.CrossAttentionKv];

    public void Dispose()
    {
        adapter.Dispose();
        pipeline.Dispose();
        backend.Dispose();
        folder.Dispose();
    }

    /// <summary>Of LoRAs, the second factors are zero at first: nothing is changed, and only they have gradients.</summary>
    [Theory, MemberData(nameof(Targets))]
    public void NothingIsChangedBeforeTheFirstStep(TrainTarget kind)
    {
        var plain = Draw();
        using var target = Create(kind);
        target.BeforeStudent();
        Assert.Equal(plain, Draw());
        using var distiller = Distiller(target);
        distiller.Accumulate(RandomBatch());
        foreach (var parameter in target.Parameters)
            Assert.Equal(!parameter.Name.EndsWith(".lora_A.weight", StringComparison.Ordinal), Download(parameter.Gradient).AsSpan().ContainsAnyExcept(0f));
    }

    /// <summary>Steps that move every parameter: what the files draw is what the student was, their averages draw something else, and the teacher is as before.</summary>
    [Theory, MemberData(nameof(Targets))]
    public void TheTeacherStaysAndTheFileDrawsAsTheStudent(TrainTarget kind)
    {
        var plain = Draw();
        using (var target = Create(kind))
        using (var optimizer = new Optimizer(backend, target.Parameters, new(new(LearningRateSchedule.Constant, 0.02, 0, 1, 0, 10)) { EmaDecay = 0.9, WeightDecay = 0.1 }))
        {
            var random = new Random(1);
            for (var step = 0; step < 10; step++)
            {
                target.BeforeTeacher();
                target.BeforeStudent();
                foreach (var parameter in target.Parameters) backend.Upload(Random(random, (int)parameter.Gradient.Elements), parameter.Gradient);
                optimizer.Step(1);
            }
            target.BeforeStudent();
            var trained = Draw();
            Assert.NotEqual(plain, trained);
            target.BeforeTeacher();
            Assert.Equal(plain, Draw());
            var run = new RunFolder(folder.Path);
            target.Publish(run, optimizer.Averages, new Dictionary<string, string> { ["step"] = "10" });

            Assert.Equal(trained, DrawWith(run.Adapter, run.Lora, 1));
            Assert.Equal(plain, DrawWith(run.Adapter, run.Lora, 0));
            Assert.NotEqual(trained, DrawWith(run.Adapter, run.Lora, 0.5));
            Assert.NotEqual(trained, DrawWith(run.Adapter, run.LoraAverage, 1));
            Assert.NotEqual(plain, DrawWith(run.Adapter, run.LoraAverage, 1));
            target.BeforeStudent();
        }
        Assert.All(pipeline.UNet.Weights.Values, weight => Assert.Equal(weight.Stored.Address, weight.Value.Address));
        Assert.Equal(plain, Draw());
    }

    /// <summary>Along the gradients' own direction, in which all parameters move, the loss changes as they say, whether blocks are computed again or not.</summary>
    [Theory, MemberData(nameof(Targets))]
    public void TheLossFollowsTheGradients(TrainTarget kind)
    {
        using var target = Create(kind);
        var random = new Random(2);
        float[][] start = [.. target.Parameters.Select(parameter => Random(random, (int)parameter.Value.Elements, 0.02f))], gradients = Array.ConvertAll(start, values => new float[values.Length]);
        using var distiller = Distiller(target);
        var batch = RandomBatch();
        Move(0);
        distiller.Accumulate(batch);
        gradients = [.. target.Parameters.Select(parameter => Download(parameter.Gradient))];
        Assert.All(gradients, values => Assert.True(values.AsSpan().ContainsAnyExcept(0f)));
        var norm = Math.Sqrt(gradients.Sum(values => values.Sum(value => (double)value * value)));
        target.Gradients.Clear();

        using (var again = Distiller(target, recomputes: true)) again.Accumulate(batch);
        foreach (var (expected, parameter) in gradients.Zip(target.Parameters)) Assert.Equal(expected, Download(parameter.Gradient));

        const double step = 2e-3;
        Move(step / norm);
        var above = distiller.Accumulate(batch).Total;
        Move(-step / norm);
        var below = distiller.Accumulate(batch).Total;
        var quotient = (above - below) / (2 * step);
        // What is left of a quotient of singles, and of the curve between the two points.
        Assert.True(Math.Abs(quotient - norm) <= 1e-2 * norm, $"{norm}, differences give {quotient}");

        void Move(double distance)
        {
            for (var i = 0; i < start.Length; i++) backend.Upload([.. start[i].Zip(gradients[i], (value, along) => (float)(value + distance * along))], target.Parameters[i].Value);
        }
    }

    /// <summary>diffusers' names and notes, which it wants complete; LyCORIS' for differences.</summary>
    [Fact]
    public void FilesAreAsOthersReadThem()
    {
        var run = new RunFolder(folder.Path);
        using (var target = Create(TrainTarget.Lora)) target.Publish(run, [], new Dictionary<string, string> { ["format"] = "pt" });
        using (var lora = SafetensorsFile.Open(run.Lora))
        {
            Assert.Equal([Rank, 128], lora.Tensors["unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0.lora_A.weight"].Shape);
            Assert.Equal([128, Rank], lora.Tensors["unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_B.weight"].Shape);
            Assert.All(lora.Tensors.Keys, key => Assert.Matches(@"^unet\..*\.attn[12]\.(to_q|to_k|to_v|to_out\.0)\.lora_[AB]\.weight$", key));
            Assert.Equal(2 * pipeline.UNet.Weights.Keys.Count(key => key.Contains(".attn", StringComparison.Ordinal)), lora.Tensors.Count);
            Assert.Equal("""{"unet.r":3,"unet.lora_alpha":4.5,"unet.target_modules":["to_k","to_out.0","to_q","to_v"],"unet.rank_pattern":{},"unet.alpha_pattern":{}}""", lora.Metadata["lora_adapter_metadata"]);
            Assert.Equal("pt", lora.Metadata["format"]);
        }
        Assert.False(File.Exists(run.LoraAverage));
        using (var target = Create(TrainTarget.CrossAttentionKv)) target.Publish(run, [], new Dictionary<string, string>());
        using (var difference = SafetensorsFile.Open(run.Lora))
        {
            Assert.All(difference.Tensors.Keys, key => Assert.Matches(@"^lora_unet_\w+_attn2_to_[kv]\.diff$", key));
            Assert.Equal(2 * pipeline.UNet.Weights.Keys.Count(key => key.EndsWith(".attn2.to_q.weight", StringComparison.Ordinal)), difference.Tensors.Count);
        }
        using var written = LoraFile.Open(run.Lora);
        Assert.All(written.Changes, change => Assert.IsType<LoraDifference>(change));
    }

    /// <summary>First factors are uniform within 1/√inputs, and follow from the seed and the weight.</summary>
    [Fact]
    public void ALoraBeginsAsPeftsDo()
    {
        using LoraTarget first = LoraTarget.Create(backend, pipeline.UNet, adapter, 16, 16, seed: 1);
        var downs = first.Parameters.Where(parameter => parameter.Name.EndsWith("lora_A.weight", StringComparison.Ordinal)).ToDictionary(parameter => parameter.Name, parameter => Download(parameter.Value));
        foreach (var parameter in first.Parameters.Where(parameter => downs.ContainsKey(parameter.Name)))
        {
            var bound = 1 / Math.Sqrt(parameter.Value.Shape[1]);
            var values = downs[parameter.Name];
            Assert.InRange(values.Max(Math.Abs), 0.99 * bound, bound);
            Assert.InRange(values.Average(value => (double)value * value), 0.9 * bound * bound / 3, 1.1 * bound * bound / 3);
        }
        Assert.Equal(downs.Count, downs.Values.Select(values => values[0]).Distinct().Count());
        using var other = LoraTarget.Create(backend, pipeline.UNet, adapter, 16, 16, seed: 2);
        Assert.NotEqual(downs.First().Value, Download(other.Parameters.Single(parameter => parameter.Name == downs.First().Key).Value));
    }

    TrainingTarget Create(TrainTarget kind) => TrainingTarget.Create(kind, backend, pipeline.UNet, adapter, new() { Rank = Rank, Alpha = Alpha }, seed: 7);

    Distiller Distiller(TrainingTarget target, bool recomputes = false) => new(backend, pipeline.UNet, target, pipeline.AlphasCumprod,
        new() { FeatureWeight = 1e-4, Recomputes = recomputes }, new(new float[Tokens * adapter.InFeatures], Ones(1), new float[Tokens * adapter.SequenceFeatures]));

    /// <summary>One sample with a teacher, one without.</summary>
    DistillationBatch RandomBatch()
    {
        var random = new Random(3);
        float[] Numbers(int count) => Random(random, Batch * count);
        return new([Batch, 4, 8, 8], Numbers(256), Numbers(256), [300, 700], Numbers(Tokens * adapter.InFeatures), Ones(Batch), Numbers(Tokens * adapter.SequenceFeatures),
            Numbers(adapter.PooledFeatures!.Value), Numbers(6), [false, true], [false, false]);
    }

    static byte[] Ones(int rows)
    {
        var mask = new byte[rows * Tokens];
        Array.Fill(mask, (byte)1);
        return mask;
    }

    static float[] Random(Random random, int count, float scale = 1) => [.. Enumerable.Range(0, count).Select(_ => scale * (float)(2 * random.NextDouble() - 1))];

    float[] Draw() => pipeline.Generate(Options).Latents;

    float[] DrawWith(string adapterPath, string lora, double scale)
    {
        using var drawn = DiffusionPipeline.Load(Source with { Adapter = adapterPath, Loras = [new(lora, scale)] }, backend);
        return drawn.Generate(Options).Latents;
    }

    float[] Download(Tensor tensor)
    {
        var values = new float[tensor.Elements];
        backend.Download(tensor, values);
        return values;
    }
}

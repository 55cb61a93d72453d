using System.Text;
using System.Text.Json;
using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Schedulers;
using PeaEngine.Formats;
using PeaEngine.Tests.Models;
using PeaEngine.Train.Distillation;
using PeaEngine.Train.Optimizers;
using PeaEngine.Train.Targets;

namespace PeaEngine.Tests.Train;

/// <summary>Every trajectory of <c>golden/distill</c>: losses, rates, gradient norms, the first gradients and the final adapter.</summary>
public class DistillerGoldenTests
{
    /// <summary>Of losses and norms: sums of F32 in another order, carried through a few steps.</summary>
    const double Tolerance = 2e-4;

    public static TheoryData<string> Cases => GoldenFolder.Cases("distill");

    [Theory, MemberData(nameof(Cases))]
    public void FollowsTheReferencesTrajectory(string name) => Follow(name);

    /// <summary>Makes a trajectory's steps, with <see cref="ModelFixture"/>'s backend. Where that rounds activations, losses are compared all together: each is one number.</summary>
    internal static void Follow(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var document = JsonDocument.Parse(File.ReadAllBytes(GoldenFolder.At("distill", name, "trajectory.json")));
        var trajectory = document.RootElement;
        using var io = GoldenTensors.Open(GoldenFolder.At("distill", name, "io.safetensors"));
        using GoldenTensors first = GoldenTensors.Open(GoldenFolder.At("distill", name, "grad_first.safetensors")), initial = GoldenTensors.Open(GoldenFolder.At("distill", name, "adapter_initial.safetensors"));
        using var final = GoldenTensors.Open(GoldenFolder.At("distill", name, "adapter_final.safetensors"));
        using var backend = ModelFixture.Open();
        using var unet = ModelFiles.LoadUNet(backend, trajectory.GetProperty("unet").GetString()!["unet/".Length..]);
        using var adapter = PeaAdapter.Load(GoldenFolder.At("distill", name, "adapter_initial.safetensors"), backend, DType.F32);
        using var target = new AdapterTarget(backend, adapter);
        using var optimizer = new Optimizer(backend, target.Parameters, OptimizerOf(trajectory) with { ScalesLoss = backend.ActivationType == DType.F16 });
        var isExact = backend.ActivationType == DType.F32;
        var unconditional = new UnconditionalText(io["student_hidden_uncond"].Values, Ones(io["student_hidden_uncond"]), io["teacher_embeds_uncond"].Values);
        using var distiller = new Distiller(backend, unet, target, AlphasCumprod(), new(), unconditional);
        List<double> expectedLosses = [], losses = [];
        foreach (var expected in trajectory.GetProperty("steps").EnumerateArray())
        {
            var index = expected.GetProperty("step").GetInt32();
            var loss = distiller.Accumulate(Batch(io, index, unet.Config.IsTextTime), lossScale: optimizer.LossScale);
            if (index == 0) CheckFirst(first, target.Parameters, backend, trajectory, optimizer.LossScale);
            var step = optimizer.Step(loss.Total);
            Assert.True(step.IsApplied);
            losses.AddRange([loss.Diffusion, loss.Logits, loss.Features]);
            expectedLosses.AddRange(((string[])["loss_diffusion", "loss_logits", "loss_features"]).Select(part => expected.GetProperty(part).GetDouble()));
            if (!isExact) continue;
            AssertClose(expected, "loss_diffusion", loss.Diffusion);
            AssertClose(expected, "loss_logits", loss.Logits);
            AssertClose(expected, "loss_features", loss.Features);
            AssertClose(expected, "loss", loss.Total);
            AssertClose(expected, "lr", step.LearningRate);
            AssertClose(expected, "grad_norm", step.GradientNorm);
        }
        if (!isExact) GoldenTensors.AssertCloseInLength("losses", [.. expectedLosses], [.. losses], Tolerance);
        foreach (var parameter in target.Parameters) CheckFinal(parameter.Name, initial[parameter.Name].Values, final[parameter.Name].Values, Download(backend, parameter.Value));
    }

    static DistillationBatch Batch(GoldenTensors io, int step, bool isXL)
    {
        GoldenTensor Of(string name) => io[$"{step}.{name}"];
        bool[] Flags(string name) => [.. io.Integers($"{step}.{name}").Select(value => value != 0)];
        var latents = Of("latents");
        var hidden = Of("student_hidden");
        return new(Shape.Create(latents.Shape), latents.Values, Of("noise").Values, Array.ConvertAll(io.Integers($"{step}.timesteps"), value => (int)value), hidden.Values, Ones(hidden),
            Of("teacher_embeds").Values, isXL ? Of("teacher_pooled").Values : null, isXL ? Of("time_ids").Values : null, Flags("zh_or_not"), Flags("uncond_mask"));
    }

    static byte[] Ones(GoldenTensor hidden)
    {
        var mask = new byte[hidden.Shape[0] * hidden.Shape[1]];
        Array.Fill(mask, (byte)1);
        return mask;
    }

    static IReadOnlyList<float> AlphasCumprod()
    {
        const string config = """{"_class_name":"DDPMScheduler","beta_schedule":"scaled_linear","beta_start":0.00085,"beta_end":0.012,"num_train_timesteps":1000}""";
        using var scheduler = Scheduler.FromConfig(JsonConfig.Parse(Encoding.UTF8.GetBytes(config), "scheduler_config.json"));
        return scheduler.AlphasCumprod;
    }

    static OptimizerOptions OptimizerOf(JsonElement trajectory)
    {
        JsonElement optimizer = trajectory.GetProperty("optimizer"), schedule = trajectory.GetProperty("schedule"), limit = optimizer.GetProperty("max_grad_norm");
        var rate = new LearningRate(LearningRateSchedule.Polynomial, schedule.GetProperty("lr").GetDouble(), schedule.GetProperty("lr_end").GetDouble(), 1,
            schedule.GetProperty("warmup_steps").GetInt32(), schedule.GetProperty("total_steps").GetInt32());
        return new(rate) { WeightDecay = optimizer.GetProperty("weight_decay").GetDouble(), MaxGradNorm = limit.ValueKind == JsonValueKind.Null ? null : limit.GetDouble() };
    }

    /// <summary>The file's gradients are after clipping.</summary>
    static void CheckFirst(GoldenTensors first, IReadOnlyList<TrainedParameter> parameters, Backend backend, JsonElement trajectory, double scale)
    {
        var norm = trajectory.GetProperty("steps")[0].GetProperty("grad_norm").GetDouble();
        var limit = trajectory.GetProperty("optimizer").GetProperty("max_grad_norm");
        var factor = limit.ValueKind == JsonValueKind.Null ? 1 : Math.Min(1, limit.GetDouble() / (norm + 1e-6));
        Assert.Equal(first.Names.Order(StringComparer.Ordinal), parameters.Select(parameter => parameter.Name).Order(StringComparer.Ordinal));
        foreach (var parameter in parameters)
            GoldenTensors.AssertClose(first[parameter.Name], Array.ConvertAll(Download(backend, parameter.Gradient), value => (float)(value * factor / scale)));
    }

    /// <summary>The golden README's bound: the change, as a vector, within a thousandth of the reference's.</summary>
    static void CheckFinal(string name, float[] initial, float[] expected, float[] actual)
    {
        double[] Change(float[] final) => [.. final.Zip(initial, (after, before) => (double)after - before)];
        GoldenTensors.AssertCloseInLength($"change of {name}", Change(expected), Change(actual), 1e-3);
    }

    static float[] Download(Backend backend, Tensor tensor)
    {
        var values = new float[tensor.Elements];
        backend.Download(tensor, values);
        return values;
    }

    static void AssertClose(JsonElement step, string name, double actual)
    {
        var expected = step.GetProperty(name).GetDouble();
        Assert.True(Math.Abs(actual - expected) <= Tolerance * Math.Abs(expected), $"step {step.GetProperty("step")}: {name} {actual}, expected {expected}");
    }
}

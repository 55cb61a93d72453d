using System.Text;
using PeaEngine.Diffusion.Schedulers;
using PeaEngine.Formats;
using PeaEngine.Randomness;

namespace PeaEngine.Tests.Schedulers;

/// <summary>
/// Settings that no golden case has, against the exact solution: where the data are normal with a known deviation, the best
/// prediction is linear in the sample, and the sample keeps its share of the standard deviation all the way.
/// </summary>
public sealed class SchedulerStepTests : IDisposable
{
    const double Deviation = 0.5;
    const int Elements = 4096, Steps = 60;

    // Discretisation at 60 steps: first-order methods stay within the first bound, those of higher order within the second, on curves
    // whose last σ is small, as the way from there to 0 is always of first order. PNDM extrapolates v as it stands, not the ε it means.
    const double FirstOrder = 0.08, HigherOrder = 0.012, MixedOrder = 0.03;

    readonly Backend backend = Device.Open("cpu", threads: 1);
    readonly Storage storage;

    public SchedulerStepTests() => storage = backend.Allocate(4 * Elements * sizeof(float));

    public void Dispose()
    {
        storage.Dispose();
        backend.Dispose();
    }

    public static TheoryData<string, string, double> Deterministic => new()
    {
        { "EulerDiscreteScheduler", "", FirstOrder },
        { "EulerDiscreteScheduler", """ "use_beta_sigmas": true """, FirstOrder },
        { "EulerDiscreteScheduler", """ "interpolation_type": "log_linear" """, FirstOrder },
        { "EulerDiscreteScheduler", """ "final_sigmas_type": "sigma_min" """, FirstOrder },
        { "EulerDiscreteScheduler", """ "use_karras_sigmas": true, "sigma_min": 0.05, "sigma_max": 14.0 """, FirstOrder },
        { "EulerDiscreteScheduler", """ "beta_schedule": "squaredcos_cap_v2", "timestep_spacing": "trailing" """, FirstOrder },
        { "DDIMScheduler", """ "clip_sample": false """, FirstOrder },
        { "DDIMScheduler", """ "clip_sample": true, "clip_sample_range": 100.0 """, FirstOrder },
        { "PNDMScheduler", """ "skip_prk_steps": true """, MixedOrder },
        { "PNDMScheduler", """ "skip_prk_steps": false """, MixedOrder },
        { "HeunDiscreteScheduler", "", HigherOrder },
        { "HeunDiscreteScheduler", """ "clip_sample": true, "clip_sample_range": 100.0, "use_exponential_sigmas": true """, HigherOrder },
        { "KDPM2DiscreteScheduler", """ "use_karras_sigmas": true """, HigherOrder },
        { "LMSDiscreteScheduler", """ "use_karras_sigmas": true """, HigherOrder },
        { "DPMSolverMultistepScheduler", """ "solver_order": 1 """, FirstOrder },
        { "DPMSolverMultistepScheduler", """ "solver_type": "heun", "use_karras_sigmas": true """, HigherOrder },
        { "DPMSolverMultistepScheduler", """ "solver_order": 3, "use_exponential_sigmas": true """, HigherOrder },
        { "DPMSolverMultistepScheduler", """ "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min", "use_karras_sigmas": true """, HigherOrder },
        { "DPMSolverMultistepScheduler", """ "algorithm_type": "dpmsolver", "solver_type": "heun", "final_sigmas_type": "sigma_min", "use_karras_sigmas": true """, HigherOrder },
        { "DPMSolverMultistepScheduler", """ "algorithm_type": "dpmsolver", "solver_order": 3, "final_sigmas_type": "sigma_min", "use_karras_sigmas": true """, HigherOrder },
        { "DPMSolverSinglestepScheduler", """ "solver_type": "heun", "use_karras_sigmas": true """, HigherOrder },
        { "DPMSolverSinglestepScheduler", """ "solver_order": 3, "use_karras_sigmas": true """, HigherOrder },
        { "DPMSolverSinglestepScheduler", """ "solver_order": 3, "solver_type": "heun", "use_karras_sigmas": true """, HigherOrder },
        { "DPMSolverSinglestepScheduler", """ "algorithm_type": "dpmsolver", "solver_order": 3, "final_sigmas_type": "sigma_min", "use_karras_sigmas": true """, HigherOrder },
        { "DPMSolverSinglestepScheduler", """ "algorithm_type": "dpmsolver", "solver_type": "heun", "solver_order": 3, "final_sigmas_type": "sigma_min", "use_karras_sigmas": true """, HigherOrder },
        { "DEISMultistepScheduler", """ "solver_order": 3, "use_karras_sigmas": true """, HigherOrder },
        { "DEISMultistepScheduler", """ "use_karras_sigmas": true """, HigherOrder },
        { "UniPCMultistepScheduler", """ "solver_type": "bh1", "use_karras_sigmas": true """, HigherOrder },
        { "UniPCMultistepScheduler", """ "predict_x0": false, "final_sigmas_type": "sigma_min", "use_karras_sigmas": true """, HigherOrder },
        { "UniPCMultistepScheduler", """ "solver_order": 3, "disable_corrector": [0, 1, 2], "use_karras_sigmas": true """, HigherOrder },
        { "UniPCMultistepScheduler", """ "solver_order": 4, "use_exponential_sigmas": true """, HigherOrder },
    };

    public static TheoryData<string, string, double> Stochastic => new()
    {
        { "DDIMScheduler", """ "clip_sample": false """, 0.5 },
        { "DDPMScheduler", """ "clip_sample": false """, 0 },
        { "DDPMScheduler", """ "clip_sample": false, "variance_type": "fixed_large" """, 0 },
        { "EulerAncestralDiscreteScheduler", "", 0 },
        { "KDPM2AncestralDiscreteScheduler", """ "use_karras_sigmas": true """, 0 },
        { "DPMSolverMultistepScheduler", """ "algorithm_type": "sde-dpmsolver++", "solver_type": "heun" """, 0 },
        { "DPMSolverMultistepScheduler", """ "algorithm_type": "sde-dpmsolver++", "solver_order": 3 """, 0 },
        { "DPMSolverMultistepScheduler", """ "algorithm_type": "sde-dpmsolver", "final_sigmas_type": "sigma_min" """, 0 },
        { "DPMSolverMultistepScheduler", """ "algorithm_type": "sde-dpmsolver", "solver_type": "heun", "final_sigmas_type": "sigma_min" """, 0 },
    };

    [Theory]
    [MemberData(nameof(Deterministic))]
    public void FollowsTheExactSolution(string className, string settings, double tolerance)
    {
        foreach (var prediction in Predictions(className))
        {
            using var scheduler = Make(className, prediction, settings);
            float[] values = [1, 1, 1, 1];
            Run(scheduler, prediction, values, default);
            Assert.True(values.All(value => value == values[0]) && Math.Abs(values[0] / Deviation - 1) < tolerance,
                $"{prediction}: {values[0] / Deviation:g6} of the exact end, tolerance {tolerance}");
        }
    }

    [Theory]
    [MemberData(nameof(Stochastic))]
    public void NoiseKeepsTheDeviation(string className, string settings, double eta)
    {
        foreach (var prediction in Predictions(className))
        {
            using var scheduler = Make(className, prediction, settings);
            var generator = new TorchGenerator(1);
            var values = new float[Elements];
            generator.Randn(values);
            Run(scheduler, prediction, values, new StepArguments(new GeneratorNoise(backend, generator), eta));
            // the sample deviation of 4096 values is itself uncertain by 1.1 %
            var share = Math.Sqrt(values.Average(value => (double)value * value)) / Deviation;
            Assert.True(Math.Abs(share - 1) < FirstOrder + 0.035, $"{prediction}: {share:g6} of the exact deviation");
        }
    }

    [Fact]
    public void ThresholdsByAQuantileOfEachSample()
    {
        using var scheduler = Make("DDIMScheduler", "sample", """ "thresholding": true, "dynamic_thresholding_ratio": 0.5, "sample_max_value": 3.0 """);
        scheduler.SetTimesteps(1);
        Shape two = [2, 1, 1, 5];
        Tensor sample = new(storage, 0, two, DType.F32), output = new(storage, Elements * sizeof(float), two, DType.F32);
        backend.Upload(new float[10].AsSpan(), sample);
        backend.Upload([0.5f, -1, 2, -4, 8, 10, 20, -30, 40, 50], output);
        scheduler.Step(backend, output, sample);

        // medians of |x| are 2 and 30, the second held to 3; the only step ends at ᾱ = 1
        var values = new float[10];
        backend.Download(sample, values);
        Assert.Equal([0.25f, -0.5f, 1, -1, 1, 1, 1, -1, 1, 1], values);
    }

    [Theory]
    [InlineData("DPMSolverMultistepScheduler", """ "solver_order": 3, "algorithm_type": "sde-dpmsolver++" """)]
    [InlineData("UniPCMultistepScheduler", """ "solver_order": 3 """)]
    [InlineData("LMSDiscreteScheduler", "")]
    [InlineData("PNDMScheduler", """ "skip_prk_steps": true """)]
    [InlineData("KDPM2AncestralDiscreteScheduler", "")]
    public void AStepAllocatesNothing(string className, string settings)
    {
        using var scheduler = Make(className, "epsilon", settings);
        var arguments = new StepArguments(new GeneratorNoise(backend, new TorchGenerator(1)));
        var values = new float[Elements];
        Run(scheduler, "epsilon", values, arguments);

        Tensor sample = At(0), output = At(1);
        scheduler.SetTimesteps(20);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 20; i++)
        {
            scheduler.ScaleModelInput(backend, sample, output);
            scheduler.Step(backend, output, sample, arguments);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void NamesTheStepThatLacksNoise()
    {
        using var scheduler = Make("EulerAncestralDiscreteScheduler", "epsilon", "");
        Assert.Contains("no timesteps", Assert.Throws<PeaException>(() => scheduler.Step(backend, At(1), At(0))).Message, StringComparison.Ordinal);
        scheduler.SetTimesteps(2);
        Assert.Contains("step 0", Assert.Throws<PeaException>(() => scheduler.Step(backend, At(1), At(0))).Message, StringComparison.Ordinal);
        Assert.Throws<PeaException>(() => scheduler.SetBeginIndex(3));
        scheduler.SetBeginIndex(2);
        Assert.Contains("all 2 steps", Assert.Throws<PeaException>(() => scheduler.Step(backend, At(1), At(0))).Message, StringComparison.Ordinal);
    }

    // Takes every step; the values come in as shares of the first standard deviation and go out as samples.
    void Run(Scheduler scheduler, string prediction, float[] values, StepArguments arguments)
    {
        scheduler.SetTimesteps(Steps);
        Tensor sample = At(0, values.Length), output = At(1, values.Length);
        var start = LevelOf(scheduler);
        backend.Upload(Array.ConvertAll(values, value => (float)(value * DeviationAt(start))), sample);
        while (scheduler.StepIndex < scheduler.Timesteps.Count)
        {
            var (alpha, sigma) = LevelOf(scheduler);
            double share = 1 / Math.Pow(DeviationAt((alpha, sigma)), 2), original = alpha * Deviation * Deviation * share, noise = sigma * share;
            // v is that of the sample scaled to α² + σ² = 1
            var norm = Math.Sqrt(alpha * alpha + sigma * sigma);
            var factor = prediction switch
            {
                "epsilon" => noise,
                "sample" => original,
                _ => (alpha * noise - sigma * original) / norm,
            };
            backend.Combine(output, new Term((float)factor, sample));
            scheduler.Step(backend, output, sample, arguments);
        }
        backend.Download(sample, values);
    }

    // What of the clean sample and of noise is in the current sample; the scaled input tells the σ of those that evaluate between timesteps.
    (double Alpha, double Sigma) LevelOf(Scheduler scheduler)
    {
        Tensor level = At(1, 1), zero = At(2, 1), one = At(3, 1);
        backend.Upload([0f], zero);
        backend.Upload([1f], one);
        var value = new float[1];
        scheduler.ScaleModelInput(backend, one, level);
        backend.Download(level, value);
        if (value[0] < 1) return (1, Math.Sqrt(1.0 / ((double)value[0] * value[0]) - 1));

        scheduler.AddNoise(backend, one, zero, level, scheduler.StepIndex);
        backend.Download(level, value);
        var alpha = value[0];
        return (alpha, Math.Sqrt(1 - (double)alpha * alpha));
    }

    static double DeviationAt((double Alpha, double Sigma) level) =>
        Math.Sqrt(level.Alpha * level.Alpha * Deviation * Deviation + level.Sigma * level.Sigma);

    static string[] Predictions(string className) =>
        className is "PNDMScheduler" or "KDPM2DiscreteScheduler" or "KDPM2AncestralDiscreteScheduler" or "EulerAncestralDiscreteScheduler"
            ? ["epsilon", "v_prediction"] : ["epsilon", "sample", "v_prediction"];

    Tensor At(int slot, int elements = Elements) => new(storage, slot * Elements * sizeof(float), [1, 1, 1, elements], DType.F32);

    static Scheduler Make(string className, string prediction, string settings)
    {
        // a setting given twice: the last one holds
        var json = $$"""
            { "_class_name": "{{className}}", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
              "prediction_type": "{{prediction}}"{{(settings.Length > 0 ? "," + settings : "")}} }
            """;
        return Scheduler.FromConfig(JsonConfig.Parse(Encoding.UTF8.GetBytes(json), "scheduler_config.json"));
    }
}

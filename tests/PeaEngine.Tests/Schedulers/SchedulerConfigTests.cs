using System.Text;
using PeaEngine.Diffusion.Schedulers;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Schedulers;

/// <summary>Which settings hold, and what is refused.</summary>
public class SchedulerConfigTests
{
    const string Sdxl = """
        "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "timestep_spacing": "leading", "steps_offset": 1
        """;

    [Theory]
    [InlineData("""{ "beta_start": 0.1 }""", "_class_name is missing")]
    [InlineData("""{ "_class_name": "FlowMatchEulerDiscreteScheduler" }""", "FlowMatchEulerDiscreteScheduler")]
    [InlineData("""{ "_class_name": "EulerDiscreteScheduler", "beta_schedule": "sigmoid" }""", "beta_schedule")]
    [InlineData("""{ "_class_name": "EulerDiscreteScheduler", "prediction_type": "flow_prediction" }""", "prediction_type")]
    [InlineData("""{ "_class_name": "EulerDiscreteScheduler", "timestep_spacing": "even" }""", "timestep_spacing")]
    [InlineData("""{ "_class_name": "EulerDiscreteScheduler", "timestep_type": "odd" }""", "timestep_type")]
    [InlineData("""{ "_class_name": "EulerDiscreteScheduler", "interpolation_type": "cubic" }""", "interpolation_type")]
    [InlineData("""{ "_class_name": "EulerDiscreteScheduler", "final_sigmas_type": "one" }""", "final_sigmas_type")]
    [InlineData("""{ "_class_name": "EulerDiscreteScheduler", "num_train_timesteps": 0 }""", "num_train_timesteps")]
    [InlineData("""{ "_class_name": "EulerDiscreteScheduler", "num_train_timesteps": 2000000000 }""", "num_train_timesteps")]
    [InlineData("""{ "_class_name": "EulerDiscreteScheduler", "beta_end": 1.5 }""", "beta_end 1.5")]
    [InlineData("""{ "_class_name": "EulerDiscreteScheduler", "beta_start": "small" }""", "beta_start")]
    [InlineData("""{ "_class_name": "EulerDiscreteScheduler", "trained_betas": [0.1, 0.2] }""", "trained_betas has 2 values")]
    [InlineData("""{ "_class_name": "EulerDiscreteScheduler", "use_karras_sigmas": true, "use_beta_sigmas": true }""", "use_beta_sigmas")]
    [InlineData("""{ "_class_name": "EulerAncestralDiscreteScheduler", "prediction_type": "sample" }""", "prediction_type")]
    [InlineData("""{ "_class_name": "KDPM2DiscreteScheduler", "prediction_type": "sample" }""", "prediction_type")]
    [InlineData("""{ "_class_name": "PNDMScheduler", "prediction_type": "sample" }""", "prediction_type")]
    [InlineData("""{ "_class_name": "DDPMScheduler", "variance_type": "learned_range" }""", "variance_type")]
    [InlineData("""{ "_class_name": "DDIMScheduler", "clip_sample_range": -1 }""", "clip_sample_range")]
    [InlineData("""{ "_class_name": "DDIMScheduler", "thresholding": true, "dynamic_thresholding_ratio": 2 }""", "dynamic_thresholding_ratio")]
    [InlineData("""{ "_class_name": "DPMSolverMultistepScheduler", "solver_order": 4 }""", "solver_order")]
    [InlineData("""{ "_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "deis" }""", "algorithm_type")]
    [InlineData("""{ "_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "dpmsolver" }""", "final_sigmas_type")]
    [InlineData("""{ "_class_name": "DPMSolverMultistepScheduler", "use_flow_sigmas": true }""", "use_flow_sigmas")]
    [InlineData("""{ "_class_name": "DPMSolverMultistepScheduler", "variance_type": "learned" }""", "variance_type")]
    [InlineData("""{ "_class_name": "UniPCMultistepScheduler", "use_dynamic_shifting": true }""", "use_dynamic_shifting")]
    [InlineData("""{ "_class_name": "UniPCMultistepScheduler", "solver_p": { } }""", "solver_p")]
    [InlineData("""{ "_class_name": "LCMScheduler", "original_inference_steps": 1001 }""", "original_inference_steps")]
    public void RefusesWhatItCannotFollow(string json, string named)
    {
        var error = Assert.Throws<PeaException>(() => Parse(json));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData("EulerDiscreteScheduler", 0)]
    [InlineData("EulerDiscreteScheduler", -3)]
    [InlineData("EulerDiscreteScheduler", 1001)]
    [InlineData("LCMScheduler", 51)]
    [InlineData("PNDMScheduler", 3)]
    public void RefusesSteps(string className, int steps)
    {
        using var scheduler = Parse($$"""{ "_class_name": "{{className}}" }""");
        Assert.Contains($"steps {steps}", Assert.Throws<OptionException>(() => scheduler.SetTimesteps(steps)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ListsTheKeysThatTheClassDoesNotTake()
    {
        using var scheduler = Parse("""
            { "_class_name": "EulerDiscreteScheduler", "_diffusers_version": "0.19.0", "clip_sample": false, "skip_prk_steps": true, "set_alpha_to_one": false }
            """);
        Assert.Equal(["clip_sample", "set_alpha_to_one", "skip_prk_steps"], scheduler.IgnoredKeys);
    }

    [Fact]
    public void TakesPythonsInfinity()
    {
        using var scheduler = Parse("""{ "_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": -Infinity, "flow_shift": 1.0, "variance_type": null }""");
        scheduler.SetTimesteps(4);
        Assert.Equal(4, scheduler.Timesteps.Count);
        Assert.Empty(scheduler.IgnoredKeys);
    }

    [Fact]
    public void LambdaMinClippedLeavesOutTheNoisiestTimesteps()
    {
        using var scheduler = Parse("""
            { "_class_name": "DPMSolverMultistepScheduler", "beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1 }
            """);
        scheduler.SetTimesteps(10);
        // diffusers: the first timestep whose log-SNR is not below −5.1
        Assert.InRange(scheduler.Timesteps[0], 900, 998);
    }

    [Fact]
    public void TrainedBetasReplaceTheSchedule()
    {
        using var given = Parse("""{ "_class_name": "EulerDiscreteScheduler", "num_train_timesteps": 3, "trained_betas": [0.1, 0.2, 0.3] }""");
        using var spaced = Parse("""{ "_class_name": "EulerDiscreteScheduler", "num_train_timesteps": 3, "beta_start": 0.1, "beta_end": 0.3 }""");
        given.SetTimesteps(3);
        spaced.SetTimesteps(3);
        Assert.Equal(spaced.Sigmas.Select(sigma => (double)sigma), given.Sigmas.Select(sigma => (double)sigma), (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public void ContinuousTimestepsAreAQuarterOfLogSigma()
    {
        using var scheduler = Parse($$"""
            { "_class_name": "EulerDiscreteScheduler", {{Sdxl}}, "timestep_type": "continuous", "prediction_type": "v_prediction",
              "use_karras_sigmas": true, "sigma_min": 0.002, "sigma_max": 700.0 }
            """);
        scheduler.SetTimesteps(3);
        Assert.Equal(700, scheduler.Sigmas[0], 1e-3);
        Assert.Equal(0.002, scheduler.Sigmas[2], 1e-6);
        Assert.Equal(0.25 * Math.Log(700), scheduler.Timesteps[0], 1e-5);
    }

    [Fact]
    public void ANameTakesItsNoiseFromTheModel()
    {
        var model = Config($$"""{ "_class_name": "PNDMScheduler", {{Sdxl}}, "num_train_timesteps": 500, "skip_prk_steps": true }""");
        using var byName = SchedulerCatalog.Create("euler-karras", model);
        using var byFile = Parse($$"""{ "_class_name": "EulerDiscreteScheduler", {{Sdxl}}, "num_train_timesteps": 500, "use_karras_sigmas": true }""");
        byName.SetTimesteps(7);
        byFile.SetTimesteps(7);
        Assert.Equal(byFile.Timesteps, byName.Timesteps);
        Assert.Equal(byFile.Sigmas, byName.Sigmas);
    }

    [Theory]
    [InlineData("euler", 801)]
    [InlineData("turbo", 999)]
    [InlineData("euler-linspace", 999)]
    [InlineData("euler-trailing-v", 999)]
    [InlineData("dpmpp-2m-euler-final", 831)]
    public void TheSpacingIsTheModelsUnlessTheNameIsAboutIt(string name, double first)
    {
        using var scheduler = SchedulerCatalog.Create(name, Config($$"""{ "_class_name": "EulerDiscreteScheduler", {{Sdxl}} }"""));
        scheduler.SetTimesteps(5);
        Assert.Equal(first, scheduler.Timesteps[0]);
    }

    [Fact]
    public void WhereTheModelsFileIsSilentItsClassSpeaks()
    {
        // PNDM's default is leading, Euler's linspace
        using var scheduler = SchedulerCatalog.Create("euler", Config("""{ "_class_name": "PNDMScheduler", "steps_offset": 1 }"""));
        scheduler.SetTimesteps(5);
        Assert.Equal(801, scheduler.Timesteps[0]);
    }

    [Fact]
    public void AnUnknownNameIsAnsweredWithAllNames()
    {
        var error = Assert.Throws<OptionException>(() => SchedulerCatalog.Create("eulr", Config("""{ "_class_name": "PNDMScheduler" }""")));
        Assert.Contains("'eulr'", error.Message, StringComparison.Ordinal);
        foreach (var name in SchedulerCatalog.Names) Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OnlyDdimWithEtaImpliesAnEta() =>
        Assert.Equal(["ddim-eta1"], SchedulerCatalog.Names.Where(name => SchedulerCatalog.Eta(name) != null));

    static JsonConfig Config(string json) => JsonConfig.Parse(Encoding.UTF8.GetBytes(json), "scheduler_config.json");

    static Scheduler Parse(string json) => Scheduler.FromConfig(Config(json));
}

using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Schedulers;

/// <summary>The samplers that can be asked for by name: class and settings; the noise schedule is always the model's.</summary>
public static class SchedulerCatalog
{
    static readonly JsonConfig Table = JsonConfig.Parse("""
        {
          "ddim": { "_class_name": "DDIMScheduler", "timestep_spacing": "leading", "steps_offset": 1, "clip_sample": false,
              "set_alpha_to_one": false },
          "ddim-eta1": { "_class_name": "DDIMScheduler", "step_arguments": {"eta": 1.0}, "timestep_spacing": "leading",
              "steps_offset": 1, "clip_sample": false, "set_alpha_to_one": false },
          "ddim-v-zero-snr": { "_class_name": "DDIMScheduler", "timestep_spacing": "trailing", "steps_offset": 1, "clip_sample": false,
              "set_alpha_to_one": false, "prediction_type": "v_prediction", "rescale_betas_zero_snr": true },
          "ddpm": { "_class_name": "DDPMScheduler", "clip_sample": false, "timestep_spacing": "leading", "steps_offset": 1 },
          "deis": { "_class_name": "DEISMultistepScheduler", "timestep_spacing": "leading", "steps_offset": 1 },
          "dpm2": { "_class_name": "KDPM2DiscreteScheduler", "timestep_spacing": "leading", "steps_offset": 1 },
          "dpm2-a": { "_class_name": "KDPM2AncestralDiscreteScheduler", "timestep_spacing": "leading", "steps_offset": 1 },
          "dpmpp-2m": { "_class_name": "DPMSolverMultistepScheduler", "timestep_spacing": "leading", "steps_offset": 1 },
          "dpmpp-2m-euler-final": { "_class_name": "DPMSolverMultistepScheduler", "timestep_spacing": "linspace", "euler_at_final": true },
          "dpmpp-2m-karras": { "_class_name": "DPMSolverMultistepScheduler", "timestep_spacing": "leading", "steps_offset": 1,
              "use_karras_sigmas": true },
          "dpmpp-2m-lu": { "_class_name": "DPMSolverMultistepScheduler", "timestep_spacing": "leading", "steps_offset": 1,
              "use_lu_lambdas": true },
          "dpmpp-2m-sde-karras": { "_class_name": "DPMSolverMultistepScheduler", "timestep_spacing": "leading", "steps_offset": 1,
              "use_karras_sigmas": true, "algorithm_type": "sde-dpmsolver++" },
          "dpmpp-2m-v": { "_class_name": "DPMSolverMultistepScheduler", "timestep_spacing": "leading", "steps_offset": 1,
              "prediction_type": "v_prediction" },
          "dpmpp-2s-karras": { "_class_name": "DPMSolverSinglestepScheduler", "use_karras_sigmas": true },
          "dpmpp-3m": { "_class_name": "DPMSolverMultistepScheduler", "timestep_spacing": "leading", "steps_offset": 1,
              "solver_order": 3 },
          "euler": { "_class_name": "EulerDiscreteScheduler", "timestep_spacing": "leading", "steps_offset": 1 },
          "euler-a": { "_class_name": "EulerAncestralDiscreteScheduler", "timestep_spacing": "leading", "steps_offset": 1 },
          "euler-exponential": { "_class_name": "EulerDiscreteScheduler", "timestep_spacing": "leading", "steps_offset": 1,
              "use_exponential_sigmas": true },
          "euler-karras": { "_class_name": "EulerDiscreteScheduler", "timestep_spacing": "leading", "steps_offset": 1,
              "use_karras_sigmas": true },
          "euler-linspace": { "_class_name": "EulerDiscreteScheduler", "timestep_spacing": "linspace" },
          "euler-trailing-v": { "_class_name": "EulerDiscreteScheduler", "timestep_spacing": "trailing",
              "prediction_type": "v_prediction", "rescale_betas_zero_snr": true },
          "heun": { "_class_name": "HeunDiscreteScheduler", "timestep_spacing": "leading", "steps_offset": 1 },
          "lcm": { "_class_name": "LCMScheduler", "timestep_spacing": "leading", "set_alpha_to_one": true,
              "original_inference_steps": 50, "steps_offset": 1 },
          "lms": { "_class_name": "LMSDiscreteScheduler", "timestep_spacing": "leading", "steps_offset": 1 },
          "pndm": { "_class_name": "PNDMScheduler", "timestep_spacing": "leading", "steps_offset": 1, "skip_prk_steps": true,
              "set_alpha_to_one": false },
          "tcd": { "_class_name": "TCDScheduler", "timestep_spacing": "leading", "steps_offset": 1, "set_alpha_to_one": false },
          "turbo": { "_class_name": "EulerAncestralDiscreteScheduler", "timestep_spacing": "trailing", "steps_offset": 1 },
          "unipc": { "_class_name": "UniPCMultistepScheduler", "timestep_spacing": "leading", "steps_offset": 1 },
          "unipc-karras-3": { "_class_name": "UniPCMultistepScheduler", "timestep_spacing": "leading", "steps_offset": 1,
              "use_karras_sigmas": true, "solver_order": 3 }
        }
        """u8, "scheduler catalogue");

    // what describes the model rather than the sampler
    static readonly string[] Betas = ["num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas"];
    static readonly string[] OfModel = ["prediction_type", "rescale_betas_zero_snr", "timestep_spacing", "steps_offset"];

    /// <summary>Every name.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Table.Keys];

    /// <summary>
    /// Makes the sampler of a name for a model. The number of training timesteps and the betas are the model's, and so are prediction
    /// type, zero terminal SNR, timestep spacing and offset, unless the name is about them: <c>turbo</c>, <c>…-trailing…</c>,
    /// <c>…-linspace</c> and <c>…-v…</c> keep those that they spell out. Where the model's file does not say, its class's default holds.
    /// </summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="model">The model's <c>scheduler_config.json</c>.</param>
    /// <exception cref="PeaException">There is no such name, or the sampler cannot follow the model's settings.</exception>
    public static Scheduler Create(string name, JsonConfig model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var settings = Find(name);
        var isAbout = name == "turbo" || name.Contains("-trailing", StringComparison.Ordinal) || name.Contains("-linspace", StringComparison.Ordinal)
            || name.EndsWith("-v", StringComparison.Ordinal) || name.Contains("-v-", StringComparison.Ordinal);
        HashSet<string> fromModel = [.. Betas, .. OfModel.Where(key => !(isAbout && settings.Has(key)))];
        return Scheduler.FromConfig(new SchedulerConfig(settings, model, fromModel));
    }

    /// <summary>The eta that a name implies (<c>ddim-eta1</c>), or null.</summary>
    /// <exception cref="OptionException">There is no such name.</exception>
    public static double? Eta(string name) => Find(name).Object("step_arguments")?.OptionalFloat("eta");

    internal static JsonConfig Find(string name) => Table.Object(name)
        ?? throw new OptionException($"scheduler '{name.ReplaceLineEndings(" ")}': expected one of {string.Join(", ", Names)}");
}

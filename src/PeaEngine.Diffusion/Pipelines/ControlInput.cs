using PeaEngine.Diffusion.ControlNet;
using PeaEngine.Diffusion.Images;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>One ControlNet's part of a generation, everything computed that is the same in all steps.</summary>
/// <param name="Model">The ControlNet.</param>
/// <param name="Image">[H, W, 3] in 0…1</param>
/// <param name="Height">Of the image and the picture.</param>
/// <param name="Width">Of the image and the picture.</param>
/// <param name="Scale">controlnet_conditioning_scale</param>
/// <param name="Steps">The scheduler's timesteps at which it is on.</param>
sealed record ControlInput(ControlNetModel Model, float[] Image, int Height, int Width, float Scale, StepWindow Steps)
{
    /// <summary>Prepares the image and finds the steps.</summary>
    /// <param name="model">The ControlNet.</param>
    /// <param name="control">What it is told.</param>
    /// <param name="plan">Its size is the image's.</param>
    /// <param name="all">All steps that are run, a refiner's among them: what start and end are parts of.</param>
    public static ControlInput Create(ControlNetModel model, Control control, GenerationPlan plan, StepWindow all)
    {
        var image = new float[plan.Height * plan.Width * 3];
        VaeImageProcessor.PreprocessControl(control.Canny is { } canny ? Canny.Edges(control.Image, canny) : control.Image, plan.Width, plan.Height, image);
        return new(model, image, plan.Height, plan.Width, (float)(control.Scale ?? plan.ControlScale), Window(control, all));
    }

    /// <summary>diffusers' <c>keeps</c>: a step counts where it lies wholly between start and end.</summary>
    static StepWindow Window(Control control, StepWindow all)
    {
        double steps = all.Count;
        int first = 0, end = all.Count;
        while (first < end && first / steps < control.Start) first++;
        while (end > first && end / steps > control.End) end--;
        return new(all.First + first, all.First + end);
    }
}

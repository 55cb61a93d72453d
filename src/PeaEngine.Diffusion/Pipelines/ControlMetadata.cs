using System.Globalization;
using System.Text;
using System.Text.Json;
using PeaEngine.Diffusion.Images;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>What a picture says of one of its ControlNets. The control image is not in the file; it must be given again.</summary>
/// <param name="Scale">controlnet_conditioning_scale</param>
/// <param name="Start">control_guidance_start</param>
/// <param name="End">control_guidance_end</param>
/// <param name="Canny">The thresholds of the edges that it saw, or null where it saw the image.</param>
/// <param name="ImageSha256">Of the control image's bytes, in hexadecimal.</param>
public sealed record ControlMetadata(double Scale, double Start, double End, CannyThresholds? Canny, string ImageSha256)
{
    /// <summary>The same control, with the image given again.</summary>
    public Control With(PixelImage image) => new(image) { Scale = Scale, Start = Start, End = End, Canny = Canny };

    /// <summary>As A1111's ControlNet extension writes it.</summary>
    internal static void AppendParameters(StringBuilder text, GenerateOptions options, GenerationPlan plan, PipelineSource source)
    {
        for (var i = 0; i < options.Controls.Count; i++)
        {
            var control = options.Controls[i];
            text.Append(CultureInfo.InvariantCulture, $", ControlNet {i}: \"Module: {(control.Canny == null ? "none" : "canny")}");
            if (i < source.ControlNets.Count) text.Append(", Model: ").Append(Path.GetFileName(Path.GetFullPath(source.ControlNets[i])));
            text.Append(CultureInfo.InvariantCulture, $", Weight: {control.Scale ?? plan.ControlScale}");
            if (control.Canny is { } canny) text.Append(CultureInfo.InvariantCulture, $", Threshold A: {canny.Low}, Threshold B: {canny.High}");
            text.Append(CultureInfo.InvariantCulture, $", Guidance Start: {control.Start}, Guidance End: {control.End}\"");
        }
    }

    /// <summary>Lists under diffusers' names, one entry for each ControlNet.</summary>
    internal static void Write(Utf8JsonWriter writer, GenerateOptions options, GenerationPlan plan, PipelineSource source)
    {
        if (source.ControlNets.Count > 0) List("controlnet", source.ControlNets, writer.WriteStringValue);
        if (options.Controls.Count == 0) return;
        List("controlnet_conditioning_scale", options.Controls, control => writer.WriteNumberValue(control.Scale ?? plan.ControlScale));
        List("control_guidance_start", options.Controls, control => writer.WriteNumberValue(control.Start));
        List("control_guidance_end", options.Controls, control => writer.WriteNumberValue(control.End));
        List("canny", options.Controls, control => writer.WriteStringValue(control.Canny?.ToString() ?? ""));
        List("control_image_sha256", options.Controls, control => writer.WriteStringValue(PictureMetadata.Hash(control.Image)));
        writer.WriteBoolean("guess_mode", options.GuessMode);

        void List<T>(string name, IReadOnlyList<T> items, Action<T> write)
        {
            writer.WriteStartArray(name);
            foreach (var item in items) write(item);
            writer.WriteEndArray();
        }
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="PeaException">It is not what this engine writes.</exception>
    internal static IReadOnlyList<ControlMetadata> Read(JsonConfig config)
    {
        var scales = config.Floats("controlnet_conditioning_scale", []);
        if (scales.Length == 0) return [];
        var controls = new ControlMetadata[scales.Length];
        var (starts, ends, hashes, canny) = (config.Floats("control_guidance_start"), config.Floats("control_guidance_end"), config.Strings("control_image_sha256"), config.Strings("canny"));
        if (starts.Length != scales.Length || ends.Length != scales.Length || hashes.Length != scales.Length || canny.Length != scales.Length)
            throw config.Wrong("controlnet_conditioning_scale", "as many as there are of every control's values");
        for (var i = 0; i < controls.Length; i++)
            controls[i] = new(scales[i], starts[i], ends[i], canny[i].Length == 0 ? null : CannyThresholds.Parse(canny[i]) ?? throw config.Wrong("canny", "thresholds such as \"100,200\""), hashes[i]);
        return controls;
    }
}

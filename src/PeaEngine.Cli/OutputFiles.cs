using System.Text.Json;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Formats;

namespace PeaEngine.Cli;

/// <summary>Where a generation's files go. Checked before anything is computed.</summary>
sealed class OutputFiles
{
    readonly string[] pictures;
    readonly string? latents;

    /// <summary>Names the pictures: the path itself, or <c>name.0.png</c>, <c>name.1.png</c>, … for several; with the ending .jpg or .jpeg too.</summary>
    /// <exception cref="OptionException">The path does not end in .png, .jpg or .jpeg.</exception>
    /// <exception cref="PeaException">A file cannot be written there.</exception>
    public OutputFiles(string path, int count, string? latents)
    {
        if (!PixelImage.CanSave(path)) throw new OptionException($"output: '{path.ReplaceLineEndings(" ")}', expected a name that ends in .png, .jpg or .jpeg");
        var ending = Path.GetExtension(path);
        var stem = path[..^ending.Length];
        pictures = count == 1 ? [path] : [.. Enumerable.Range(0, Math.Max(count, 0)).Select(i => $"{stem}.{i}{ending}")];
        this.latents = latents;
        AtomicFile.Check(path);
        if (latents != null) AtomicFile.Check(latents);
    }

    /// <summary>Writes every file, each whole or not at all, and says so.</summary>
    public void Write(Generation generation, TextWriter output, bool json)
    {
        for (var i = 0; i < pictures.Length; i++) generation[i].Save(pictures[i]);
        if (latents != null) SafetensorsWriter.Write(latents, [TensorContent.FromSingles("latents", [.. generation.LatentShape.Select(extent => (long)extent)], generation.Latents)]);
        if (json) JsonOutput.Write(output, writer => WriteJson(writer, generation));
        else
        {
            output.WriteLine($"seed {generation.Options.Seed}");
            foreach (var picture in pictures) output.WriteLine($"wrote {picture}");
            if (latents != null) output.WriteLine($"wrote {latents}");
        }
    }

    void WriteJson(Utf8JsonWriter writer, Generation generation)
    {
        writer.WriteNumber("seed", generation.Options.Seed);
        writer.WriteStartArray("images");
        foreach (var picture in pictures) writer.WriteStringValue(picture);
        writer.WriteEndArray();
        if (latents != null) writer.WriteString("latents", latents);
        writer.WriteNumber("steps", generation.Steps);
        writer.WriteNumber("width", generation.Width);
        writer.WriteNumber("height", generation.Height);
        writer.WriteNumber("seconds", Math.Round(generation.Elapsed.TotalSeconds, 3));
    }
}

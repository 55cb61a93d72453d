using System.Globalization;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Adapters;

/// <summary>What a file of an adapter notes beside its weights; those that torch wrote note nothing.</summary>
public sealed record AdapterMetadata
{
    /// <summary>The keys of <see cref="StudentLength"/> and <see cref="MasksPooledMean"/>.</summary>
    public const string LengthKey = "student_length", MeanKey = "pooled_mean";

    const string Masked = "masked", All = "all";

    /// <summary>Reads a file's notes; other keys are left alone.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="notes">The file's metadata.</param>
    /// <exception cref="PeaException">A value that means nothing.</exception>
    public AdapterMetadata(string path, IReadOnlyDictionary<string, string> notes)
    {
        ArgumentNullException.ThrowIfNull(notes);
        if (notes.TryGetValue(LengthKey, out var length))
            StudentLength = int.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out var tokens) && tokens > 0 ? tokens : throw Wrong(LengthKey, length, "a whole number above 0");
        if (notes.TryGetValue(MeanKey, out var mean))
            MasksPooledMean = mean switch { Masked => true, All => false, _ => throw Wrong(MeanKey, mean, $"{Masked} or {All}") };

        PeaException Wrong(string key, string value, string expected) => new($"{path}: metadata {key} is '{value}', expected {expected}");
    }

    /// <summary>Reads the notes of a file alone, not its weights.</summary>
    /// <exception cref="PeaException">The file cannot be read, or a value means nothing.</exception>
    public static AdapterMetadata Read(string path)
    {
        using var file = TensorFile.Open(path);
        return new(path, file.Metadata);
    }

    /// <summary>How <see cref="MasksPooledMean"/> is noted.</summary>
    public static string MeanOf(bool masksPooledMean) => masksPooledMean ? Masked : All;

    /// <summary><c>student_length</c>: the context length that the adapter was trained with.</summary>
    public int? StudentLength { get; }

    /// <summary><c>pooled_mean</c>: <c>masked</c> for a mean over the tokens that are no padding, <c>all</c> (the reference's way) for one over all.</summary>
    public bool? MasksPooledMean { get; }
}

using PeaEngine.Formats;

namespace PeaEngine.Train.Evaluation;

/// <summary>What adapters are compared on: captions in several languages, and the noise that they are compared in.</summary>
public sealed class EvaluationReference
{
    /// <summary>The language that the teacher's own text encoders read.</summary>
    public const string TeacherLanguage = "en";

    const string NoiseName = "noise";

    EvaluationReference(JsonConfig config)
    {
        var (data, inputs, evaluation) = (Part(config, "data"), Part(config, "inputs"), Part(config, "evaluation"));
        Languages = data.Strings("languages");
        if (Languages.Count == 0) throw data.Wrong("languages", "at least one language");
        StudentTokens = inputs.Int("student_tokens");
        TimeIds = Array.ConvertAll(inputs.Floats("time_ids"), value => (float)value);
        Timesteps = evaluation.Ints("timesteps");
        if (Timesteps.Count == 0 || Timesteps.Any(timestep => timestep < 0)) throw evaluation.Wrong("timesteps", "timesteps of 0 or more, at least one");
        var cases = Part(evaluation, "cases");
        Splits = [.. cases.Keys.Select(name => new EvaluationSplit(name, [.. cases.Objects(name).Select(Captions)]))];
        if (Splits.Count == 0) throw evaluation.Wrong("cases", "at least one split");
        foreach (var split in Splits)
            if (split.Captions.Count == 0) throw cases.Wrong(split.Name, "at least one case");
        (NoiseShape, Noise) = ReadNoise(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(config.Path))!, "evaluation.safetensors"), Splits.Max(split => split.Captions.Count));
        if (config.Object("reference_adapter") is { } figures)
            Distances = Splits.SelectMany(_ => Languages, (split, language) => EvaluationResult.Key(split.Name, language)).Where(figures.Has).ToDictionary(key => key, key => figures.Float(key));
    }

    /// <summary>The languages that students read.</summary>
    public IReadOnlyList<string> Languages { get; }

    /// <summary>The groups of captions, such as <c>seen</c> and <c>unseen</c>.</summary>
    public IReadOnlyList<EvaluationSplit> Splits { get; }

    /// <summary>The training timesteps of the noise.</summary>
    public IReadOnlyList<int> Timesteps { get; }

    /// <summary>[cases, C, h, w]; a split's case i has noise i, at every timestep.</summary>
    public Shape NoiseShape { get; }

    /// <summary>Of <see cref="NoiseShape"/>.</summary>
    public float[] Noise { get; }

    /// <summary>SDXL's micro-conditioning, the same for every case.</summary>
    public float[] TimeIds { get; }

    /// <summary>The student's context length.</summary>
    public int StudentTokens { get; }

    /// <summary>What the reference's own adapter has, by <see cref="EvaluationResult.Key"/>; empty where the file says nothing of it.</summary>
    public IReadOnlyDictionary<string, double> Distances { get; } = new Dictionary<string, double>();

    /// <summary>Reads a file such as <c>reference_training.json</c>, and <c>evaluation.safetensors</c> beside it.</summary>
    /// <exception cref="PeaException">A file cannot be read, or lacks something.</exception>
    public static EvaluationReference Load(string path) => new(JsonConfig.Load(path));

    static JsonConfig Part(JsonConfig config, string key) => config.Object(key) ?? throw config.Wrong(key, "an object");

    IReadOnlyDictionary<string, string> Captions(JsonConfig one)
    {
        var captions = one.StringMap("captions");
        foreach (var language in Languages.Prepend(TeacherLanguage))
            if (!captions.ContainsKey(language)) throw one.Wrong("captions", $"one for each of {TeacherLanguage}, {string.Join(", ", Languages)}");
        return captions;
    }

    static (Shape Shape, float[] Values) ReadNoise(string path, int cases)
    {
        using var file = TensorFile.Open(path);
        if (!file.Tensors.TryGetValue(NoiseName, out var info) || !info.DType.IsWeight() || info.Shape is not [_, > 0, > 0, > 0] || info.Shape[0] < cases || info.Elements > Array.MaxLength)
            throw new PeaException($"{path}: tensor '{NoiseName}' is {info?.ToString() ?? "missing"}, expected one of floats [{cases} or more, channels, height, width]");
        var (bytes, values) = (new byte[checked((int)info.Bytes)], new float[info.Elements]);
        file.Read(NoiseName, 0, bytes);
        HalfConversion.ToSingle(bytes, info.DType, values);
        return (Shape.Create([.. info.Shape.Select(extent => (int)extent)]), values);
    }
}

/// <summary>A group of captions whose distances are counted together.</summary>
/// <param name="Name">As in <c>unseen</c>.</param>
/// <param name="Captions">Of each case, by language.</param>
public sealed record EvaluationSplit(string Name, IReadOnlyList<IReadOnlyDictionary<string, string>> Captions);

using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Train.Data;

namespace PeaEngine.Cli.Commands;

/// <summary><c>pea cache</c>: encodes training samples once, so that training needs neither VAE nor text encoders.</summary>
static class CacheCommand
{
    static readonly Argument<string[]> Shards = new("shards") { Description = "Webdataset tars: files, globs, brace ranges such as train-{0000..0003}.tar, http(s) URLs.", Arity = ArgumentArity.OneOrMore };
    static readonly Option<string?> Model = new("--model") { Description = "The teacher: a pipeline folder or a single file. Without it: samples/emoji/teacher.", HelpName = "PATH" };
    static readonly Option<string?> Vae = new("--vae") { Description = "Another VAE: a folder with config.json and weights, or a file of weights.", HelpName = "PATH" };
    static readonly Option<string> Student = new("--student") { Description = "A text encoder of another language: a folder or file as its authors publish it.", HelpName = "DIR", Required = true };
    static readonly Option<int?> StudentLength = new("--student-length") { Description = "Tokens of the student's context. Default: 52 for Chinese-CLIP, else the student's own.", HelpName = "N", CustomParser = OptionParsers.Integer };
    static readonly Option<string> Languages = new("--languages") { Description = "The captions to encode, with commas between: zh,it takes caption_zh and caption_it.", HelpName = "LIST", Required = true };
    static readonly Option<PixelSize[]> Buckets = new("--bucket") { Description = "A size of pictures, width first; may be given several times. Default: the nine of PEA-Diffusion, 448x896 to 896x448.", HelpName = "WxH", CustomParser = ParseBuckets };
    static readonly Option<bool> Filter = new("--filter") { Description = "Applies the published filters: 640² pixels, aesthetic score 6, watermark 0.5, where metadata has a watermark." };
    static readonly Option<bool> SkipErrors = new("--skip-errors") { Description = "Tells of damaged shards and samples and goes on, instead of ending." };
    static readonly Option<DType?> Stored = new("--store") { Description = "The element type of what is large in the file: f32, f16 or bf16. Default: f32.", HelpName = "TYPE", CustomParser = OptionParsers.Weights };
    static readonly Option<string?> Output = new("--output", "-o") { Description = "The folder for the caches. Default: next to each shard.", HelpName = "DIR" };
    static readonly Option<bool> Json = new("--json") { Description = "One JSON object on standard output." };

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var command = new Command("cache", "Encodes the pictures and captions of training data, a file beside each shard; what is there and current stays.")
        {
            Shards, Model, Vae, Student, StudentLength, Languages, Buckets, Filter, SkipErrors, Stored, Output, DeviceOptions.Name, DeviceOptions.Type, DeviceOptions.Threads, Json,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult parsed)
    {
        var (output, error) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
        var options = new DataOptions
        {
            Sources = [new(parsed.GetRequiredValue(Shards))],
            Languages = parsed.GetRequiredValue(Languages).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            Buckets = parsed.GetValue(Buckets) is { Length: > 0 } sizes ? sizes : AspectBuckets.Published,
            Filter = parsed.GetValue(Filter) ? new() : null,
            OnError = parsed.GetValue(SkipErrors) ? ShardErrors.Skip : ShardErrors.Raise,
        };
        options.Validate();
        DeviceOptions.Check(parsed);
        var (shards, folder) = (ShardList.Expand(options.Sources[0].Shards), parsed.GetValue(Output));
        CheckPaths(shards, folder);
        var (source, student, length) = (new PipelineSource(parsed.GetValue(Model) ?? DefaultFiles.Model()) { Vae = parsed.GetValue(Vae) }, parsed.GetRequiredValue(Student), parsed.GetValue(StudentLength));

        using var interrupt = new Interrupt();
        var watch = Stopwatch.StartNew();
        var models = TrainingEncoders.Hash(source, student, length);
        using var backend = DeviceOptions.Open(parsed);
        using var encoders = TrainingEncoders.Load(source, student, length, backend);
        var builder = new CacheBuilder(options, encoders, models, folder, parsed.GetValue(Stored) ?? DType.F32, warning => error.WriteLine($"pea: {warning}"));
        var built = new List<BuiltCache>();
        foreach (var shard in shards)
        {
            built.Add(builder.Build(shard, new Progress(error, shard), interrupt.Token));
            if (!parsed.GetValue(Json)) output.WriteLine(Describe(built[^1]));
        }
        if (parsed.GetValue(Json)) WriteJson(output, built, models, watch.Elapsed);
        return ExitCode.Done;
    }

    /// <summary>Before anything is encoded: every cache has a place of its own, in a folder that is there.</summary>
    static void CheckPaths(IReadOnlyList<string> shards, string? folder)
    {
        if (folder != null && !Directory.Exists(folder)) throw new OptionException($"output: no folder {folder}");
        if (shards.GroupBy(shard => Path.GetFullPath(CacheKey.PathOf(shard, folder))).FirstOrDefault(group => group.Distinct().Skip(1).Any()) is { } shared)
            throw new OptionException($"output: {string.Join(" and ", shared.Distinct().Take(2))} would have the same cache {shared.Key}, expected another folder for one");
    }

    static string Describe(BuiltCache cache)
    {
        var size = string.Create(CultureInfo.InvariantCulture, $"{cache.Samples} samples, {cache.Captions} captions, {cache.Bytes / (double)(1 << 20):0.0} MiB");
        return $"{(cache.IsNew ? "wrote" : "kept")} {cache.Path}: {size}{DroppedText.Of(cache.Dropped)}";
    }

    static void WriteJson(TextWriter output, List<BuiltCache> built, string models, TimeSpan elapsed) => JsonOutput.Write(output, writer =>
    {
        writer.WriteString("models", models);
        writer.WriteStartArray("caches");
        foreach (var cache in built)
        {
            writer.WriteStartObject();
            writer.WriteString("path", cache.Path);
            writer.WriteBoolean("is_new", cache.IsNew);
            writer.WriteNumber("samples", cache.Samples);
            writer.WriteNumber("captions", cache.Captions);
            writer.WriteNumber("bytes", cache.Bytes);
            writer.WriteStartObject("dropped");
            foreach (var (reason, count) in cache.Dropped) writer.WriteNumber(reason.ToString(), count);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteNumber("seconds", Math.Round(elapsed.TotalSeconds, 3));
    });

    static PixelSize[]? ParseBuckets(ArgumentResult result)
    {
        var sizes = new List<PixelSize>();
        foreach (var token in result.Tokens)
        {
            var parts = token.Value.Split('x');
            if (parts.Length == 2 && Whole(parts[0], out var width) && Whole(parts[1], out var height)) sizes.Add(new(height, width));
            else result.AddError($"bucket: '{token.Value.ReplaceLineEndings(" ")}', expected a width and a height, such as 640x640");
        }
        return [.. sizes];

        static bool Whole(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    /// <summary>A line every few seconds.</summary>
    sealed class Progress(TextWriter error, string shard) : IProgress<int>
    {
        static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
        readonly Stopwatch watch = Stopwatch.StartNew();
        TimeSpan next = Interval;

        public void Report(int value)
        {
            if (watch.Elapsed < next) return;
            next = watch.Elapsed + Interval;
            error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{shard}: {value} samples, {value / watch.Elapsed.TotalSeconds:0.0} samples/s"));
        }
    }
}

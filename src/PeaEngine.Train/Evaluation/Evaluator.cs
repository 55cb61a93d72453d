using System.Diagnostics;
using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Lora;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Diffusion.TextEncoders;

namespace PeaEngine.Train.Evaluation;

/// <summary>
/// How far a UNet's predictions through a student and an adapter are from those with its own text encoders and the English caption, by
/// language and split: per timestep the sum over the cases of the mean squared difference, divided by the same sum for no text at all
/// (zeros), and of that the mean over the timesteps.
/// </summary>
public sealed class Evaluator
{
    readonly DiffusionPipeline pipeline;
    readonly EvaluationReference reference;
    readonly CasePredictions predictions;

    /// <summary>An evaluator; the pipeline stays the caller's.</summary>
    /// <param name="pipeline">The teacher, which has its own text encoders.</param>
    /// <param name="reference">What is compared.</param>
    /// <exception cref="PeaException">The noise is not of the UNet's channels.</exception>
    public Evaluator(DiffusionPipeline pipeline, EvaluationReference reference)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        (this.pipeline, this.reference) = (pipeline, reference);
        var (unet, channels) = (pipeline.UNet.Config, reference.NoiseShape[1]);
        if (unet.InChannels != channels || unet.OutChannels != channels)
            throw new PeaException($"reference: noise {reference.NoiseShape}, the UNet of {pipeline.Source.Model} takes {unet.InChannels} channels and gives {unet.OutChannels}");
        predictions = new(pipeline.Backend, pipeline.UNet, reference);
    }

    /// <summary>Compares. From then on the pipeline takes prompts through the student and the adapter.</summary>
    /// <param name="adapter">The adapter.</param>
    /// <param name="student">The student, with the reference's context length.</param>
    /// <param name="loras">LoRAs that the student's UNet has and the teacher's has not; null for none.</param>
    /// <param name="progress">Told after each batch.</param>
    /// <param name="cancellation">Ends the call within one block of the UNet.</param>
    /// <exception cref="PeaException">The student, the adapter, the UNet, a LoRA and the reference do not go together.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public EvaluationResult Run(PeaAdapter adapter, StudentEncoder student, IReadOnlyList<LoraSource>? loras = null, IProgress<EvaluationProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(student);
        if (student.Length != reference.StudentTokens) throw new PeaException($"student: {student.Length} tokens, expected the {reference.StudentTokens} of the reference");
        using var files = new LoraFiles(loras ?? []);
        var english = reference.Splits.Select(split => Encode(split, EvaluationReference.TeacherLanguage)).ToArray();
        pipeline.UseAdapter(adapter, student);

        var clock = Stopwatch.StartNew();
        int done = 0, total = english.Sum(texts => texts.Rows) * reference.Timesteps.Count * (reference.Languages.Count + 2);
        float[][] Predict(PromptEmbeddings texts) => predictions.Run(texts, count => progress?.Report(new(done += count, total, clock.Elapsed)), cancellation);

        // The teacher's first, all of them, since its UNet becomes the student's.
        var taught = Array.ConvertAll(english, texts => (Teacher: Predict(texts), None: Predict(Nothing(texts))));
        files.FuseInto(pipeline);
        try
        {
            return new(reference.Languages, [.. reference.Splits.Zip(taught, (split, predicted) =>
                new SplitDistances(split.Name, [.. reference.Languages.Select(language => Distance(Predict(Encode(split, language)), predicted.Teacher, predicted.None))]))]);
        }
        finally
        {
            files.TakeOutOf(pipeline);
        }

        PromptEmbeddings Encode(EvaluationSplit split, string language) => pipeline.Encode([.. split.Captions.Select(captions => captions[language])], cancellation);
    }

    /// <summary>Zeros in the place of texts.</summary>
    internal static PromptEmbeddings Nothing(PromptEmbeddings texts) =>
        texts with { Sequence = new float[texts.Sequence.Length], Pooled = texts.Pooled is { } pooled ? new float[pooled.Length] : null };

    /// <summary>The mean over the timesteps of |student − teacher|² / |none − teacher|².</summary>
    internal static double Distance(float[][] student, float[][] teacher, float[][] none) =>
        Enumerable.Range(0, teacher.Length).Average(i => SquaredError(student[i], teacher[i]) / SquaredError(none[i], teacher[i]));

    static double SquaredError(float[] a, float[] b)
    {
        double sum = 0;
        for (var i = 0; i < a.Length; i++) sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        return sum;
    }

    /// <summary>Open LoRAs.</summary>
    sealed class LoraFiles : IDisposable
    {
        readonly List<(LoraFile File, double Scale)> files = [];

        public LoraFiles(IReadOnlyList<LoraSource> sources)
        {
            try
            {
                foreach (var source in sources) files.Add((LoraFile.Open(source.Path), source.Scale));
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public void FuseInto(DiffusionPipeline pipeline)
        {
            foreach (var (file, scale) in files) pipeline.FuseLora(file, scale);
        }

        public void TakeOutOf(DiffusionPipeline pipeline)
        {
            foreach (var (file, _) in files) pipeline.UnfuseLora(file);
        }

        public void Dispose()
        {
            foreach (var (file, _) in files) file.Dispose();
        }
    }
}

using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Distillation;
using PeaEngine.Train.Processes;

namespace PeaEngine.Train.Training;

/// <summary>What a run loads: the teacher, whose UNet is the student's too, the encoders or their cache, and the adapter, in F32.</summary>
sealed class TrainModels : IDisposable
{
    readonly DiffusionPipeline teacher;
    readonly TrainingEncoders? encoders;
    readonly bool cache;
    readonly Func<StudentEncoder> load;
    StudentEncoder? student;

    /// <summary>Loads them and opens the data.</summary>
    public TrainModels(TrainConfig config, RunFolder folder, Backend backend, DataPosition? from, ProcessGroup processes, Action<string> warn)
    {
        var source = new PipelineSource(config.Teacher) { Config = config.TeacherConfig, Vae = config.Vae };
        var noted = config.Adapter is { } adapter ? AdapterMetadata.Read(adapter) : null;
        Agree("student_length", config.StudentLength, noted?.StudentLength);
        Agree("masked_pooled", config.MaskedPooled, noted?.MasksPooledMean);
        var (length, masksPooledMean) = (config.StudentLength ?? noted?.StudentLength, config.MaskedPooled ?? false);
        cache = config.Cache;
        load = () => StudentEncoder.Load(config.Student, backend, length);
        teacher = DiffusionPipeline.Load(source, backend);
        try
        {
            if (backend.KeepsContents && processes.IsFirst) StudentIdentity = Diffusion.TextEncoders.StudentIdentity.Of(config.Student);
            if (!cache || !backend.KeepsContents) encoders = TrainingEncoders.Load(teacher, config.Student, length);
            Batches = !backend.KeepsContents ? new UnreadBatches(encoders!) : encoders == null
                ? new CachedBatches(config.Data, TrainingEncoders.Hash(source, config.Student, length), config.CacheFolder, config.Seed, from, processes.Rank, processes.Count)
                : new EncodedBatches(config.Data, encoders, config.Seed, from, processes.Rank, processes.Count, warn);
            // What F32 computed is as good for all; otherwise somebody may not know what the samples went through.
            if (processes.IsFirst && Batches is CachedBatches { Activations: not DType.F32 and var computed } && computed != backend.ActivationType)
                warn($"the caches were computed in {computed}, this run computes in {backend.ActivationType}");
            var shape = Batches.Shape;
            if (config.Validation.Every > 0 && backend.KeepsContents) Validation = ReadValidation(config, processes);
            if (config.Adapter == null && processes.IsFirst)
            {
                // One that is there may be of a run that never began, with another seed; this run's own has the same bytes.
                Directory.CreateDirectory(folder.Path);
                FreshAdapter.Write(folder.FreshAdapter, config.Seed, [shape.StudentChannels, .. config.AdapterHidden, shape.PooledChannels > 0 ? shape.PooledChannels : shape.TeacherChannels],
                    shape.PooledChannels > 0 ? shape.TeacherChannels : null, AdapterNotes.Of(shape.StudentTokens, masksPooledMean));
            }
            // The others find what the first has written.
            processes.Agree();
            Adapter = PeaAdapter.Load(config.Adapter ?? folder.FreshAdapter, backend, DType.F32, masksPooledMean);
            if (Adapter.InFeatures != shape.StudentChannels) throw new PeaException($"{config.Adapter}: for a student of {Adapter.InFeatures} channels, {config.Student} gives {shape.StudentChannels}");
            if (Adapter.SequenceFeatures != shape.TeacherChannels) throw new PeaException($"{config.Adapter}: a sequence of {Adapter.SequenceFeatures} channels, {config.Teacher} takes {shape.TeacherChannels}");
            if ((Adapter.PooledFeatures ?? 0) != shape.PooledChannels) throw new PeaException($"{config.Adapter}: a pooled embedding of {Adapter.PooledFeatures ?? 0} channels, {config.Teacher} takes {shape.PooledChannels}");
            Unconditional = Text(Batches.Unconditional, config.TeacherUncond ?? (teacher.ForceZerosForEmptyPrompt ? TeacherUncond.Zeros : TeacherUncond.Encoded));
        }
        catch
        {
            Dispose();
            throw;
        }

        void Agree<T>(string key, T? asked, T? noted) where T : struct
        {
            if (asked is { } value && noted is { } other && !value.Equals(other))
                throw new OptionException($"{key}: {$"{value}".ToLowerInvariant()}, but {config.Adapter} was trained with {$"{other}".ToLowerInvariant()}; expected that, or null");
        }
    }

    /// <summary>The teacher's, and the student's.</summary>
    public DiffusionPipeline Teacher => teacher;

    /// <summary>The data.</summary>
    public IBatches Batches { get; } = null!;

    /// <summary>What is trained.</summary>
    public PeaAdapter Adapter { get; } = null!;

    /// <summary>The student; it is loaded at the first call where a cache is trained with.</summary>
    public StudentEncoder Student => encoders?.Student ?? (student ??= load());

    /// <summary>Which student it is, for the first process, which writes it down; see <see cref="Diffusion.TextEncoders.StudentIdentity"/>.</summary>
    public string StudentIdentity { get; } = "";

    /// <summary>The bytes of all weights that a run holds.</summary>
    public long WeightBytes => teacher.WeightBytes + Adapter.WeightBytes + (cache ? 0 : encoders!.WeightBytes);

    /// <summary>What the run is validated with; null where it is not, or not by this process.</summary>
    public Validation? Validation { get; }

    /// <summary>What stands for text that is dropped.</summary>
    public UnconditionalText Unconditional { get; } = null!;

    /// <summary>The most bytes that encoding a picture has in use at once, beside the weights; 0 where a cache is read.</summary>
    public long MeasureEncoding(PixelSize size) => cache ? 0 : encoders!.Measure(size);

    Validation? ReadValidation(TrainConfig config, ProcessGroup processes)
    {
        Validation.Check(config, teacher.AlphasCumprod.Count);
        if (!processes.IsFirst) return null;
        var (options, batchSize) = (config.Validation, Math.Max(1, config.Data.BatchSize / (processes.Count * config.Accumulation)));
        var samples = Batches is CachedBatches cached ? cached.FirstOf(options.Shards, options.Samples, batchSize) : ((EncodedBatches)Batches).FirstOf(options.Shards, options.Samples, batchSize);
        return new(config, samples, Batches.Shape);
    }

    public void Dispose()
    {
        Adapter?.Dispose();
        Batches?.Dispose();
        encoders?.Dispose();
        student?.Dispose();
        teacher.Dispose();
    }

    static UnconditionalText Text(Unconditional text, TeacherUncond teacher) => teacher == TeacherUncond.Encoded
        ? new(text.StudentHidden, text.StudentMask, text.TeacherSequence, text.TeacherPooled)
        : new(text.StudentHidden, text.StudentMask, new float[text.TeacherSequence.Length], new float[text.TeacherPooled.Length]);
}

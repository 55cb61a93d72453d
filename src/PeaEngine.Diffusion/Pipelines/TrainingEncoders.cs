using System.Security.Cryptography;
using System.Text;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Diffusion.Vae;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>The distribution of a picture's latents.</summary>
/// <param name="Mean">[C, h, w]</param>
/// <param name="LogVar">[C, h, w]</param>
public sealed record LatentMoments(float[] Mean, float[] LogVar);

/// <summary>What the text encoders of a checkpoint make of a caption.</summary>
/// <param name="Sequence">encoder_hidden_states [tokens, channels]</param>
/// <param name="Pooled">text_embeds [channels], for models that take them.</param>
public sealed record TeacherText(float[] Sequence, float[]? Pooled);

/// <summary>What a student makes of captions.</summary>
/// <param name="Hidden">The last hidden state [captions, tokens, channels].</param>
/// <param name="Mask">[captions, tokens]: 1 for a token, 0 for padding.</param>
public sealed record StudentText(float[] Hidden, byte[] Mask);

/// <summary>
/// The frozen models that training samples go through before a UNet does: a checkpoint's VAE and text encoders, and a student. Results are in host
/// memory. One call at a time.
/// </summary>
public sealed class TrainingEncoders : IDisposable
{
    const int PieceBytes = 1 << 20;

    readonly Backend backend;
    readonly ComponentOwner components = new();
    readonly AutoencoderKL vae;
    readonly ITextConditioner teacher;

    TrainingEncoders(Backend backend, PipelineConfig config, string student, int? studentLength)
    {
        this.backend = backend;
        try
        {
            using (var weights = config.VaeFiles.OpenWeights()) vae = components.Own(AutoencoderKL.Load(backend, config.VaeFiles.Config, weights));
            PromptEncoder[] encoders = [.. config.TextEncoders.Select(names => components.Own(PromptEncoder.Load(config.Files, backend, names)))];
            TeacherTokens = encoders[^1].Tokens;
            teacher = config.Family.IsXL ? new StableDiffusionXLConditioner(config.Source.Model, encoders, config.ForceZerosForEmptyPrompt) : new StableDiffusionConditioner(encoders[0]);
            Student = components.Own(StudentEncoder.Load(student, backend, studentLength));
            WeightBytes = vae.WeightBytes + encoders.Sum(encoder => encoder.WeightBytes) + Student.WeightBytes;
        }
        catch
        {
            components.Dispose();
            throw;
        }
    }

    TrainingEncoders(DiffusionPipeline pipeline, string student, int? studentLength)
    {
        (backend, vae, teacher) = (pipeline.Backend, pipeline.Vae, pipeline.Conditioner);
        TeacherTokens = pipeline.Tokens ?? throw new PeaException($"{pipeline.Source.Model}: its text encoders are not loaded, expected a pipeline without an adapter");
        Student = components.Own(StudentEncoder.Load(student, backend, studentLength));
        WeightBytes = Student.WeightBytes;
    }

    /// <summary>The student.</summary>
    public StudentEncoder Student { get; }

    /// <summary>The bytes of the weights that it loaded, as they lie on the backend.</summary>
    public long WeightBytes { get; }

    /// <summary>The type of the activations that results are computed in.</summary>
    public DType ActivationType => backend.ActivationType;

    /// <summary>Channels of a latent pixel.</summary>
    public int LatentChannels => vae.Config.LatentChannels;

    /// <summary>Pixels a latent, both ways.</summary>
    public int Factor => vae.Config.Factor;

    /// <summary>What a latent channel is multiplied by, and what is then added, before the UNet sees it.</summary>
    public (float[] Scale, float[] Offset) LatentScale
    {
        get
        {
            var (factors, offsets) = vae.Config.LatentScale();
            return (Array.ConvertAll(factors, factor => (float)factor), Array.ConvertAll(offsets, offset => (float)offset));
        }
    }

    /// <summary>Positions of the teacher's sequence.</summary>
    public int TeacherTokens { get; }

    /// <summary>Loads the models.</summary>
    /// <param name="source">The checkpoint, and perhaps another VAE; its UNet is not loaded, and an adapter is not needed.</param>
    /// <param name="student">The student's folder or file.</param>
    /// <param name="studentLength">The student's context length; by default 52 for Chinese-CLIP, else the student's own.</param>
    /// <param name="backend">Where the weights go; it stays the caller's.</param>
    /// <exception cref="PeaException">A file is missing, damaged, or of an architecture that is not supported.</exception>
    public static TrainingEncoders Load(PipelineSource source, string student, int? studentLength, Backend backend) => new(backend, PipelineConfig.Read(source), student, studentLength);

    /// <summary>Takes the VAE and the text encoders of a pipeline, as it draws with them at the moment, and loads a student beside them.</summary>
    /// <param name="pipeline">The checkpoint; it stays the caller's, and must live longer.</param>
    /// <param name="student">The student's folder or file.</param>
    /// <param name="studentLength">The student's context length; by default 52 for Chinese-CLIP, else the student's own.</param>
    /// <exception cref="PeaException">A file is missing, damaged, or of an architecture that is not supported; or the pipeline has no text encoders of its own.</exception>
    public static TrainingEncoders Load(DiffusionPipeline pipeline, string student, int? studentLength)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        return new(pipeline, student, studentLength);
    }

    /// <summary>
    /// SHA-256, in hexadecimal, of every file that the results depend on, with the student's context length: without loading them, but reading all.
    /// </summary>
    /// <exception cref="PeaException">A file is missing or cannot be read.</exception>
    public static string Hash(PipelineSource source, string student, int? studentLength)
    {
        var config = PipelineConfig.Read(source);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, config.VaeFiles.Path);
        foreach (var (tokenizer, encoder) in config.TextEncoders)
        {
            if (config.Files.Tokenizer(tokenizer).Folder is { } folder) Append(hash, folder);
            // Of a single file one hash is enough.
            if (config.Files.Model(encoder).Path != config.VaeFiles.Path) Append(hash, config.Files.Model(encoder).Path);
        }
        Append(hash, StudentFiles.Find(student).Folder);
        hash.AppendData(Encoding.UTF8.GetBytes($"student length {studentLength}"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The moments of a picture's latents.</summary>
    /// <param name="image">A colour picture whose extents are multiples of <see cref="Factor"/>.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <exception cref="PeaException">The picture is grey, or of another size.</exception>
    public LatentMoments EncodePicture(PixelImage image, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.Width % Factor != 0 || image.Height % Factor != 0) throw new PeaException($"vae: a picture of {image.Width}x{image.Height}, expected multiples of {Factor}");
        var pixels = new float[image.Width * image.Height * 3];
        VaeImageProcessor.Preprocess(image, image.Width, image.Height, pixels);
        LatentMoments? moments = null;
        MeasuredArena.Run(backend, p =>
        {
            var posterior = Encode(p, new(image.Height, image.Width), pixels);
            moments = new(ChannelsFirst(posterior.Mean), ChannelsFirst(posterior.LogVar));
        }, cancellation);
        return moments!;
    }

    /// <summary>The most bytes that <see cref="EncodePicture"/> has in use at once, beside the weights.</summary>
    public long Measure(PixelSize size) => MeasuredArena.Measure(backend, p => Encode(p, size, new float[size.Width * size.Height * 3]));

    /// <summary>What the teacher's text encoders make of a caption, <c>""</c> for the unconditional one.</summary>
    public TeacherText EncodeTeacher(string caption, CancellationToken cancellation = default)
    {
        var embeddings = teacher.Encode(new() { Prompt = caption }, guided: false, cancellation);
        return new(embeddings.Sequence, embeddings.Pooled);
    }

    /// <summary>What the student makes of captions, <see cref="StudentEncoder.Length"/> tokens of each.</summary>
    public StudentText EncodeStudent(IReadOnlyList<string> captions, CancellationToken cancellation = default)
    {
        var tokens = captions.Select(Student.Tokenize).ToList();
        int[] ids = [.. tokens.SelectMany(text => text.Ids)];
        byte[] mask = [.. tokens.SelectMany(text => text.Mask)];
        var hidden = new float[ids.Length * Student.HiddenSize];
        MeasuredArena.Run(backend, p => p.Backend.Download(Student.Forward(p, ids, mask, captions.Count), hidden), cancellation);
        return new(hidden, mask);
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose() => components.Dispose();

    DiagonalGaussianDistribution Encode(Pass p, PixelSize size, float[] pixels)
    {
        var tensor = p.New([1, size.Height, size.Width, 3]);
        p.Backend.Upload(pixels, tensor);
        return vae.Encode(p, tensor);
    }

    float[] ChannelsFirst(ReadOnlySpan<float> last)
    {
        var (channels, first) = (LatentChannels, new float[last.Length]);
        var pixels = last.Length / channels;
        for (var i = 0; i < pixels; i++)
            for (var c = 0; c < channels; c++) first[c * pixels + i] = last[i * channels + c];
        return first;
    }

    static void Append(IncrementalHash hash, string path)
    {
        var files = File.Exists(path) ? [path] : Directory.GetFiles(path);
        var piece = new byte[PieceBytes];
        foreach (var file in files.Order(StringComparer.Ordinal))
        {
            try
            {
                using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
                hash.AppendData(Encoding.UTF8.GetBytes($"{Path.GetFileName(file)} {stream.Length}\n"));
                for (int read; (read = stream.Read(piece)) > 0;) hash.AppendData(piece, 0, read);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw new PeaException($"{file}: cannot be read: {exception.Message.ReplaceLineEndings(" ")}", exception);
            }
        }
    }
}

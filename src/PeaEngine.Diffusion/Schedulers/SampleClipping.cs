using System.Buffers;

namespace PeaEngine.Diffusion.Schedulers;

/// <summary>
/// What some configurations do to the predicted clean sample: <c>clip_sample</c>, or <c>thresholding</c> by a quantile
/// (arXiv 2205.11487). On the host: models of latents never ask for it.
/// </summary>
sealed class SampleClipping
{
    readonly bool clip, threshold;
    readonly double range, ratio, most;

    /// <summary>Reads the settings; a class without <c>clip_sample</c> has no default for it.</summary>
    public SampleClipping(SchedulerConfig config, bool? clipDefault, bool takesThresholding = true)
    {
        if (takesThresholding)
        {
            threshold = config.Flag("thresholding", false);
            ratio = config.Number("dynamic_thresholding_ratio", 0.995);
            most = config.Number("sample_max_value", 1);
            if (ratio is not (>= 0 and <= 1)) throw config.Wrong("dynamic_thresholding_ratio", "0 to 1");
        }
        if (clipDefault == null) return;
        clip = config.Flag("clip_sample", clipDefault.Value);
        range = config.Number("clip_sample_range", 1);
        if (!(range > 0)) throw config.Wrong("clip_sample_range", "more than 0");
    }

    /// <summary>Whether there is anything to do.</summary>
    public bool Applies => clip || threshold;

    /// <summary>Clips a predicted clean sample in place.</summary>
    /// <param name="backend">Where it lives.</param>
    /// <param name="original">[B, C, H, W] F32</param>
    public void Apply(Backend backend, Tensor original)
    {
        var count = checked((int)original.Elements);
        var values = ArrayPool<float>.Shared.Rent(count);
        try
        {
            var all = values.AsSpan(0, count);
            backend.Download(original, all);
            var size = count / original.Shape[0];
            if (threshold)
                for (var start = 0; start < count; start += size) Threshold(all.Slice(start, size));
            else
                Clamp(all, (float)range);
            backend.Upload(all, original);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(values);
        }
    }

    void Threshold(Span<float> sample)
    {
        var sorted = sample.ToArray();
        for (var i = 0; i < sorted.Length; i++) sorted[i] = Math.Abs(sorted[i]);
        Array.Sort(sorted);
        var rank = (float)ratio * (sorted.Length - 1);
        var low = (int)rank;
        var high = Math.Min(low + 1, sorted.Length - 1);
        var limit = sorted[low] + (rank - low) * (sorted[high] - sorted[low]);
        limit = Math.Min(Math.Max(limit, 1), (float)most);
        Clamp(sample, limit);
        foreach (ref var value in sample) value /= limit;
    }

    static void Clamp(Span<float> values, float limit)
    {
        foreach (ref var value in values) value = Math.Min(Math.Max(value, -limit), limit);
    }
}

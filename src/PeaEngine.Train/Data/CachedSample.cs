namespace PeaEngine.Train.Data;

/// <summary>A sample in a cache.</summary>
/// <param name="File">The cache.</param>
/// <param name="Row">Its row.</param>
/// <param name="Bucket">The index of its aspect bucket.</param>
/// <param name="Captions">The rows of the student's states for the captions that the configuration wants, in the order of languages.</param>
sealed record CachedSample(CacheFile File, int Row, int Bucket, IReadOnlyList<CachedCaption> Captions);

/// <summary>A caption in a cache.</summary>
/// <param name="Language">Its language.</param>
/// <param name="Row">The row of the student's states.</param>
readonly record struct CachedCaption(string Language, int Row);

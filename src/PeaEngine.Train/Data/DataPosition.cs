using System.Text.Json;
using System.Text.Json.Serialization;

namespace PeaEngine.Train.Data;

/// <summary>Where a source stands.</summary>
public sealed record SourcePosition
{
    /// <summary>The epoch in which the shuffle buffer begins.</summary>
    public long Epoch { get; init; }

    /// <summary>The number of the shard in the epoch's order in which it begins.</summary>
    public int Ordinal { get; init; }

    /// <summary>The byte of that shard at which it begins.</summary>
    public long Offset { get; init; }

    /// <summary>The buffer's number.</summary>
    public long Buffer { get; init; }

    /// <summary>Samples of the buffer that were given; 0 only at the very beginning.</summary>
    public int Used { get; init; }

    /// <summary>Samples that were dropped before the buffer, by <see cref="DropReason"/>.</summary>
    public IReadOnlyList<long> Dropped { get; init; } = [];
}

/// <summary>A sample that was drawn and waits until there are enough of its bucket for a batch.</summary>
/// <param name="Place">Its number in the order.</param>
/// <param name="Location">Where it is.</param>
public sealed record WaitingSample(ulong Place, SampleLocation Location);

/// <summary>
/// Where the data of a training run stands: a reader that is made with it gives the batches that follow. It is small, and the same for every number
/// of ranks.
/// </summary>
public sealed record DataPosition
{
    /// <summary>Batches given so far, which is the next batch's step, counted from 0.</summary>
    public long Batches { get; init; }

    /// <summary>Samples drawn so far.</summary>
    public ulong Places { get; init; }

    /// <summary>Where each source stands.</summary>
    public IReadOnlyList<SourcePosition> Sources { get; init; } = [];

    /// <summary>Samples that wait, in the order in which they were drawn.</summary>
    public IReadOnlyList<WaitingSample> Waiting { get; init; } = [];

    /// <summary>SHA-256 of what the order depends on; a reader with another configuration refuses the position.</summary>
    public string Fingerprint { get; init; } = "";

    /// <summary>As JSON, for a checkpoint.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, DataPositionJson.Default.DataPosition);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <param name="json">The text.</param>
    /// <param name="name">Where it was, for messages.</param>
    /// <exception cref="PeaException">It is no position.</exception>
    public static DataPosition FromJson(string json, string name)
    {
        try
        {
            var position = JsonSerializer.Deserialize(json, DataPositionJson.Default.DataPosition);
            // What a text lacks comes as null, whatever the defaults are.
            if (position is { Sources: not null, Waiting: not null, Fingerprint: not null } && position.Waiting.All(waiting => waiting != null)
                && position.Sources.All(source => source is { Dropped: not null })) return position;
            throw new PeaException($"{name}: no data position: a part is missing");
        }
        catch (JsonException exception)
        {
            throw new PeaException($"{name}: no data position: {exception.Message.ReplaceLineEndings(" ")}", exception);
        }
    }
}

[JsonSerializable(typeof(DataPosition))]
[JsonSourceGenerationOptions(RespectNullableAnnotations = true)]
sealed partial class DataPositionJson : JsonSerializerContext;

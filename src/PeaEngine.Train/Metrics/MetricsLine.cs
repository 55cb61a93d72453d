using System.Text.Json;

namespace PeaEngine.Train.Metrics;

/// <summary>A step's numbers as a JSON object, <c>step</c> first.</summary>
static class MetricsLine
{
    const string StepKey = "step";

    /// <summary>The object's text.</summary>
    public static byte[] Format(long step, ReadOnlySpan<Metric> metrics)
    {
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteNumber(StepKey, step);
            foreach (var (name, value) in metrics)
                if (double.IsFinite(value)) json.WriteNumber(name, value);
                else json.WriteNull(name);
            json.WriteEndObject();
        }
        return line.ToArray();
    }

    /// <summary>The step and its numbers, those that are null as NaN; null where the text is no such object.</summary>
    public static (long Step, Metric[] Metrics)? Parse(ReadOnlyMemory<byte> text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var json = document.RootElement;
            if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty(StepKey, out var key) || key.ValueKind != JsonValueKind.Number || !key.TryGetInt64(out var step)) return null;
            return (step, [.. json.EnumerateObject().Where(property => property.Name != StepKey && property.Value.ValueKind is JsonValueKind.Number or JsonValueKind.Null)
                .Select(property => new Metric(property.Name, property.Value.ValueKind == JsonValueKind.Null ? double.NaN : property.Value.GetDouble()))]);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

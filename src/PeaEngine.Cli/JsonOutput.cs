using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace PeaEngine.Cli;

/// <summary>The one line of <c>--json</c>.</summary>
static class JsonOutput
{
    static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes one object and ends the line.</summary>
    public static void Write(TextWriter output, Action<Utf8JsonWriter> properties)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Options))
        {
            writer.WriteStartObject();
            properties(writer);
            writer.WriteEndObject();
        }
        output.WriteLine(Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length));
    }
}

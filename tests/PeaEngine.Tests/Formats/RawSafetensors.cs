using System.Buffers.Binary;
using System.Text;

namespace PeaEngine.Tests.Formats;

/// <summary>Files with a header of the test's own wording.</summary>
static class RawSafetensors
{
    /// <summary>Length, header and zeros.</summary>
    public static byte[] Bytes(string header, int dataBytes = 0)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var file = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(file, json.Length);
        json.CopyTo(file, 8);
        return file;
    }

    /// <summary>Writes such a file.</summary>
    public static string Write(TemporaryFolder folder, string header, int dataBytes = 0)
    {
        var path = folder.At("raw.safetensors");
        File.WriteAllBytes(path, Bytes(header, dataBytes));
        return path;
    }
}

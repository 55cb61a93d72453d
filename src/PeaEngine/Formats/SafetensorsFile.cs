using System.Buffers.Binary;

namespace PeaEngine.Formats;

/// <summary>
/// A safetensors file, checked when opened; tensors are read in pieces straight from the file, so nothing of it is held in memory but
/// its header. Reading is safe from several threads.
/// </summary>
public sealed class SafetensorsFile : ITensorSource
{
    const int LengthBytes = 8;

    readonly RandomAccessFile file;
    readonly Dictionary<string, long> positions = [];
    readonly Dictionary<string, TensorInfo> tensors = [];

    SafetensorsFile(RandomAccessFile file)
    {
        this.file = file;
        if (file.Length < LengthBytes) throw Broken("HeaderTooSmall", $"the file has {file.Length} bytes, expected at least {LengthBytes}");
        Span<byte> prefix = stackalloc byte[LengthBytes];
        file.Read(0, prefix);
        var headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerBytes > SafetensorsHeader.MaxBytes)
            throw Broken("HeaderTooLarge", $"the header claims {headerBytes} bytes, expected at most {SafetensorsHeader.MaxBytes}");
        var dataBytes = file.Length - LengthBytes - (long)headerBytes;
        if (dataBytes < 0)
            throw Broken("InvalidHeaderLength", $"the header claims {headerBytes} bytes, expected at most the {file.Length - LengthBytes} that the file has");
        var json = new byte[headerBytes];
        file.Read(LengthBytes, json);
        var header = new SafetensorsHeader(Path, json, dataBytes);
        Metadata = header.Metadata;
        foreach (var (info, begin, _) in header.Entries)
        {
            tensors.Add(info.Name, info);
            positions.Add(info.Name, LengthBytes + json.Length + begin);
        }
    }

    /// <inheritdoc/>
    public string Path => file.Path;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => tensors;

    /// <summary>The file's own notes, such as <c>format: pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks every rule of the format.</summary>
    /// <exception cref="SafetensorsException">The file breaks a rule.</exception>
    /// <exception cref="PeaException">There is no such file, or it cannot be read.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = RandomAccessFile.Open(path, "a safetensors file");
        try
        {
            return new SafetensorsFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(string name, long byteOffset, Span<byte> destination)
    {
        var info = this.Locate(name, byteOffset, destination.Length);
        file.Read(positions[info.Name] + byteOffset, destination);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => file.Dispose();

    SafetensorsException Broken(string rule, string detail) => new(Path, rule, detail);
}

using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace PeaEngine.Formats;

/// <summary>
/// A safetensors file, checked when opened; tensors are read in pieces straight from the file, so nothing of it is held in memory but
/// its header. Reading is safe from several threads.
/// </summary>
public sealed class SafetensorsFile : ITensorSource
{
    const int LengthBytes = 8;

    readonly SafeFileHandle handle;
    readonly Dictionary<string, long> positions = [];
    readonly Dictionary<string, TensorInfo> tensors = [];

    SafetensorsFile(string path, SafeFileHandle handle)
    {
        (Path, this.handle) = (path, handle);
        var fileBytes = RandomAccess.GetLength(handle);
        if (fileBytes < LengthBytes) throw Broken("HeaderTooSmall", $"the file has {fileBytes} bytes, expected at least {LengthBytes}");
        Span<byte> prefix = stackalloc byte[LengthBytes];
        Fill(prefix, 0);
        var headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerBytes > SafetensorsHeader.MaxBytes)
            throw Broken("HeaderTooLarge", $"the header claims {headerBytes} bytes, expected at most {SafetensorsHeader.MaxBytes}");
        var dataBytes = fileBytes - LengthBytes - (long)headerBytes;
        if (dataBytes < 0)
            throw Broken("InvalidHeaderLength", $"the header claims {headerBytes} bytes, expected at most the {fileBytes - LengthBytes} that the file has");
        var json = new byte[headerBytes];
        Fill(json, LengthBytes);
        var header = new SafetensorsHeader(path, json, dataBytes);
        Metadata = header.Metadata;
        foreach (var (info, begin, _) in header.Entries)
        {
            tensors.Add(info.Name, info);
            positions.Add(info.Name, LengthBytes + json.Length + begin);
        }
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => tensors;

    /// <summary>The file's own notes, such as <c>format: pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks every rule of the format.</summary>
    /// <exception cref="SafetensorsException">The file breaks a rule.</exception>
    /// <exception cref="PeaException">There is no such file, or it cannot be read.</exception>
    public static SafetensorsFile Open(string path)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path, share: FileShare.Read | FileShare.Delete);
            return new SafetensorsFile(path, handle);
        }
        catch (Exception exception)
        {
            handle?.Dispose();
            if (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
                throw new PeaException($"{path}: {Reason(path, exception)}, expected a safetensors file", exception);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(string name, long byteOffset, Span<byte> destination)
    {
        if (!tensors.TryGetValue(name, out var info)) throw new PeaException($"{Path}: no tensor {Quoted.Of(name)}");
        if (byteOffset < 0 || byteOffset > info.Bytes || destination.Length > info.Bytes - byteOffset)
            throw new PeaException($"{Path}: {destination.Length} bytes from byte {byteOffset} of tensor {Quoted.Of(name)}, expected a range within its {info.Bytes}");
        try
        {
            Fill(destination, positions[name] + byteOffset);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PeaException($"{Path}: tensor {Quoted.Of(name)}: {exception.Message}", exception);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => handle.Dispose();

    void Fill(Span<byte> destination, long position)
    {
        while (!destination.IsEmpty)
        {
            var count = RandomAccess.Read(handle, destination, position);
            if (count == 0) throw new PeaException($"{Path}: the file ends at byte {position}, expected {destination.Length} bytes more: it changed while open");
            destination = destination[count..];
            position += count;
        }
    }

    SafetensorsException Broken(string rule, string detail) => new(Path, rule, detail);

    static string Reason(string path, Exception exception) => exception switch
    {
        FileNotFoundException or DirectoryNotFoundException => "no such file",
        _ when Directory.Exists(path) => "a folder",
        _ => exception.Message.ReplaceLineEndings(" "),
    };
}

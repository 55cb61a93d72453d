using Microsoft.Win32.SafeHandles;

namespace PeaEngine.Formats;

/// <summary>A file open for reading at any place, from several threads at once; its errors name it.</summary>
sealed class RandomAccessFile : IDisposable
{
    readonly SafeFileHandle handle;

    RandomAccessFile(string path, SafeFileHandle handle) => (Path, this.handle, Length) = (path, handle, RandomAccess.GetLength(handle));

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Its size in bytes when it was opened.</summary>
    public long Length { get; }

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="expected">What it should be, for messages, such as <c>a safetensors file</c>.</param>
    /// <exception cref="PeaException">There is no such file, or it cannot be read.</exception>
    public static RandomAccessFile Open(string path, string expected)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path, share: FileShare.Read | FileShare.Delete);
            return new RandomAccessFile(path, handle);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            handle?.Dispose();
            throw new PeaException($"{path}: {Reason(path, exception)}, expected {expected}", exception);
        }
    }

    /// <summary>Fills <paramref name="destination"/> with the bytes from <paramref name="position"/> on.</summary>
    /// <exception cref="PeaException">The file ends before, or cannot be read.</exception>
    public void Read(long position, Span<byte> destination)
    {
        try
        {
            while (!destination.IsEmpty)
            {
                var count = RandomAccess.Read(handle, destination, position);
                if (count == 0) throw new PeaException($"{Path}: the file ends at byte {position}, expected {destination.Length} bytes more: it changed while open");
                destination = destination[count..];
                position += count;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PeaException($"{Path}: cannot be read at byte {position}: {exception.Message.ReplaceLineEndings(" ")}", exception);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => handle.Dispose();

    static string Reason(string path, Exception exception) => exception switch
    {
        FileNotFoundException or DirectoryNotFoundException => "no such file",
        _ when Directory.Exists(path) => "a folder",
        _ => exception.Message.ReplaceLineEndings(" "),
    };
}

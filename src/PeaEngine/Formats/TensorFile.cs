using System.Buffers.Binary;

namespace PeaEngine.Formats;

/// <summary>Opens whatever holds tensors, by what is in it rather than by its name.</summary>
public static class TensorFile
{
    /// <summary>The bytes of a file's beginning that tell what it is.</summary>
    internal const int BeginningBytes = 16;

    const string Expected = "a safetensors file, a torch file or an index of several";

    /// <summary>Opens a safetensors file, a file of <c>torch.save</c> (see <see cref="TorchFile"/>), or an index of several of them; the caller disposes it.</summary>
    /// <exception cref="PeaException">There is no such file, it is none of these, or it is broken.</exception>
    public static ITensorSource Open(string path)
    {
        var beginning = Beginning(path);
        var isIndex = !IsSafetensors(beginning) && beginning.AsSpan().TrimStart(" \t\r\n"u8) is [(byte)'{', ..];
        return isIndex || path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? ShardedTensorFile.Open(path) : OpenWhole(path, beginning);
    }

    /// <summary>Opens one of the files that an index names: no index itself.</summary>
    /// <exception cref="PeaException">As for <see cref="Open"/>.</exception>
    internal static ITensorSource OpenShard(string path) => OpenWhole(path, Beginning(path));

    static ITensorSource OpenWhole(string path, byte[] beginning)
    {
        if (TorchFile.Recognizes(beginning) && !IsSafetensors(beginning)) return TorchFile.Open(path);
        // A broken safetensors file says best itself which rule it breaks.
        if (IsSafetensors(beginning) || path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase)) return SafetensorsFile.Open(path);
        throw new PeaException($"{path}: the content is unknown, expected {Expected}");
    }

    /// <summary>The header's length, which makes the bytes after the first four zeros, and the header's beginning.</summary>
    static bool IsSafetensors(ReadOnlySpan<byte> beginning) =>
        beginning.Length > sizeof(ulong) && BinaryPrimitives.ReadUInt64LittleEndian(beginning) <= SafetensorsHeader.MaxBytes && beginning[sizeof(ulong)] == '{';

    static byte[] Beginning(string path)
    {
        using var file = RandomAccessFile.Open(path, Expected);
        var beginning = new byte[Math.Min(file.Length, BeginningBytes)];
        file.Read(0, beginning);
        return beginning;
    }
}

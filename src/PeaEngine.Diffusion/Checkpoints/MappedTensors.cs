using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>Tensors of another source under other names; nothing is copied but a matrix that is read transposed.</summary>
/// <param name="source">The other source; this one disposes it.</param>
/// <param name="mapped">What there is, by its new key.</param>
sealed class MappedTensors(ITensorSource source, IReadOnlyDictionary<string, MappedTensor> mapped) : ITensorSource
{
    string? turnedKey;
    byte[] turned = [];

    /// <inheritdoc/>
    public string Path => source.Path;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; } = mapped.ToDictionary(pair => pair.Key, pair => pair.Value.Info);

    /// <inheritdoc/>
    public void Read(string name, long byteOffset, Span<byte> destination)
    {
        if (!mapped.TryGetValue(name, out var tensor)) throw new PeaException($"{Path}: no tensor {Quoted.Of(name)}");
        if (byteOffset < 0 || byteOffset > tensor.Info.Bytes || destination.Length > tensor.Info.Bytes - byteOffset)
            throw new PeaException($"{Path}: {destination.Length} bytes from byte {byteOffset} of tensor {Quoted.Of(name)}, expected a range within its {tensor.Info.Bytes}");
        if (tensor.IsTransposed)
        {
            Turned(name, tensor).AsSpan((int)byteOffset, destination.Length).CopyTo(destination);
            return;
        }
        foreach (var (key, offset, bytes) in tensor.Slices)
        {
            if (byteOffset >= bytes)
            {
                byteOffset -= bytes;
                continue;
            }
            var part = destination[..(int)Math.Min(destination.Length, bytes - byteOffset)];
            source.Read(key, offset + byteOffset, part);
            destination = destination[part.Length..];
            byteOffset = 0;
            if (destination.IsEmpty) return;
        }
    }

    /// <summary>Closes the other source.</summary>
    public void Dispose() => source.Dispose();

    /// <summary>A whole transposed matrix, kept while its pieces are asked for.</summary>
    byte[] Turned(string name, MappedTensor tensor)
    {
        if (turnedKey == name) return turned;
        var whole = new byte[tensor.Info.Bytes];
        source.Read(tensor.Slices[0].Key, 0, whole);
        (turnedKey, turned) = (name, new byte[whole.Length]);
        int size = tensor.Info.DType.SizeInBytes(), rows = (int)tensor.Info.Shape[0], columns = (int)tensor.Info.Shape[1];
        for (var r = 0; r < rows; r++)
            for (var c = 0; c < columns; c++)
                whole.AsSpan((c * rows + r) * size, size).CopyTo(turned.AsSpan((r * columns + c) * size));
        return turned;
    }
}

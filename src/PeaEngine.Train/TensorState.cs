using PeaEngine.Formats;

namespace PeaEngine.Train;

/// <summary>Tensors of a backend as a checkpoint's, in both directions and in pieces.</summary>
static class TensorState
{
    const int PieceBytes = 1 << 20;

    /// <summary>A tensor to be written; read when the file is.</summary>
    public static TensorContent Content(Backend backend, string name, Tensor tensor) =>
        new(new TensorInfo(name, tensor.DType, Extents(tensor)), (offset, destination) => backend.Download(Piece(tensor, offset, destination.Length), destination));

    /// <summary>Fills a tensor from a checkpoint.</summary>
    /// <exception cref="PeaException">The checkpoint has none of this name, or one of another shape or type.</exception>
    public static void Load(Backend backend, ITensorSource source, string name, Tensor tensor)
    {
        if (!source.Tensors.TryGetValue(name, out var info)) throw new PeaException($"{source.Path}: no tensor {Quoted.Of(name)}, expected one of {tensor}");
        if (info.DType != tensor.DType || !info.Shape.SequenceEqual(Extents(tensor))) throw new PeaException($"{source.Path}: tensor {Quoted.Of(name)} is {info}, expected {tensor}");
        var piece = new byte[Math.Min(PieceBytes, tensor.Bytes)];
        for (long offset = 0; offset < tensor.Bytes; offset += piece.Length)
        {
            var part = piece.AsSpan(0, (int)Math.Min(piece.Length, tensor.Bytes - offset));
            source.Read(name, offset, part);
            backend.Upload(part, tensor, offset);
        }
    }

    static Tensor Piece(Tensor tensor, long offset, int bytes) => new(tensor.Storage, tensor.ByteOffset + offset, [bytes / tensor.DType.SizeInBytes()], tensor.DType);

    static long[] Extents(Tensor tensor)
    {
        var extents = new List<long>();
        foreach (var extent in tensor.Shape) extents.Add(extent);
        return [.. extents];
    }
}

using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>A run of bytes of another source's tensor.</summary>
readonly record struct TensorSlice(string Key, long Offset, long Bytes);

/// <summary>A tensor that another source holds under another name, as a part of one, or in parts.</summary>
/// <param name="Info">What it is.</param>
/// <param name="Slices">Its bytes in order, or those of its transpose.</param>
/// <param name="IsTransposed">Whether they are the latter: a matrix.</param>
sealed record MappedTensor(TensorInfo Info, IReadOnlyList<TensorSlice> Slices, bool IsTransposed = false)
{
    static readonly TensorForm[] Thirds = [TensorForm.Query, TensorForm.Key, TensorForm.Value];

    /// <summary>diffusers' tensor of an original one.</summary>
    /// <exception cref="PeaException">The original's shape does not allow the pair's form.</exception>
    public static MappedTensor ToDiffusers(TensorInfo original, KeyPair pair)
    {
        var shape = original.Shape;
        TensorSlice all = new(original.Name, 0, original.Bytes);
        switch (pair.Form)
        {
            case TensorForm.Transposed:
                return Transpose(original, pair.Diffusers);
            case TensorForm.Pointwise when shape is [var rows, var columns, 1, 1]:
                return new(new(pair.Diffusers, original.DType, [rows, columns]), [all]);
            case TensorForm.Query or TensorForm.Key or TensorForm.Value:
                if (shape.Count == 0 || shape[0] % Thirds.Length != 0)
                    throw new PeaException($"tensor {Quoted.Of(original.Name)}: {original}, expected rows for query, key and value");
                var bytes = original.Bytes / Thirds.Length;
                return new(new(pair.Diffusers, original.DType, [shape[0] / Thirds.Length, .. shape.Skip(1)]), [new(original.Name, Array.IndexOf(Thirds, pair.Form) * bytes, bytes)]);
            default:
                return new(new(pair.Diffusers, original.DType, shape), [all]);
        }
    }

    /// <summary>The original's tensor of those of diffusers' that it holds: one, or query, key and value.</summary>
    /// <exception cref="PeaException">They are not all there, or not of one shape and type; or a shape does not allow the form.</exception>
    public static MappedTensor ToOriginal(IEnumerable<(KeyPair Pair, TensorInfo Info)> parts)
    {
        var ordered = parts.OrderBy(part => part.Pair.Form).ToArray();
        var (pair, info) = ordered[0];
        if (Thirds.Contains(pair.Form))
        {
            if (!ordered.Select(part => part.Pair.Form).SequenceEqual(Thirds) || ordered.Any(part => part.Info.DType != info.DType || !part.Info.Shape.SequenceEqual(info.Shape))
                || info.Shape.Count == 0 || info.Shape[0] > long.MaxValue / Thirds.Length)
                throw new PeaException($"tensor {Quoted.Of(info.Name)}: {info}, expected query, key and value of one shape and type beside each other");
            return new(new(pair.Original, info.DType, [info.Shape[0] * Thirds.Length, .. info.Shape.Skip(1)]), [.. ordered.Select(part => All(part.Info))]);
        }
        if (ordered.Length > 1) throw new PeaException($"tensors {Quoted.Of(info.Name)} and {Quoted.Of(ordered[1].Info.Name)} are both {pair.Original} in the original naming");
        if (pair.Form == TensorForm.Transposed) return Transpose(info, pair.Original);
        IReadOnlyList<long> shape = pair.Form == TensorForm.Pointwise && info.Shape.Count == 2 ? [.. info.Shape, 1, 1] : info.Shape;
        return new(new(pair.Original, info.DType, shape), [All(info)]);
    }

    static TensorSlice All(TensorInfo info) => new(info.Name, 0, info.Bytes);

    static MappedTensor Transpose(TensorInfo info, string name) => info.Shape is [var rows, var columns] && info.Bytes <= Array.MaxLength
        ? new(new(name, info.DType, [columns, rows]), [All(info)], IsTransposed: true)
        : throw new PeaException($"tensor {Quoted.Of(info.Name)}: {info}, expected a matrix of at most {Array.MaxLength} bytes");
}

using System.Security.Cryptography;
using System.Text;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>What tells one text encoder from another, wherever it lies and in whichever format it is stored.</summary>
public static class StudentIdentity
{
    const int PieceBytes = 1 << 20;

    /// <summary>The model's type and the SHA-256 of its tensors by name, as in <c>bert sha256:9f86d0…</c>. Every byte of the weights is read.</summary>
    /// <param name="path">As for <see cref="StudentEncoder.Load"/>.</param>
    /// <exception cref="PeaException">There is no text encoder, or it cannot be read.</exception>
    public static string Of(string path)
    {
        var files = StudentFiles.Find(path);
        using var weights = TensorFile.Open(files.Weights);
        var type = files.Config?.OptionalString("model_type") ?? (StudentFiles.IsChineseClip(weights.Tensors) ? "chinese_clip" : "bert");
        return $"{type} sha256:{Hash(weights)}";
    }

    static string Hash(ITensorSource weights)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var piece = new byte[PieceBytes];
        foreach (var info in weights.Tensors.Values.OrderBy(info => info.Name, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{info.Name} {info}\n"));
            for (long offset = 0; offset < info.Bytes;)
            {
                var part = piece.AsSpan(0, (int)Math.Min(piece.Length, info.Bytes - offset));
                weights.Read(info.Name, offset, part);
                hash.AppendData(part);
                offset += part.Length;
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace PeaEngine.Tests.Cuda;

/// <summary>Tensors of random values on a device, the same in every run.</summary>
sealed class DeviceTensors(Backend backend) : IDisposable
{
    readonly List<(Storage Storage, Tensor Tensor)> tensors = [];
    readonly Random random = new(1);

    public Tensor Of(DType type, params ReadOnlySpan<int> extents)
    {
        Shape shape = [.. extents];
        var storage = backend.Allocate(shape.Elements * type.SizeInBytes());
        var tensor = new Tensor(storage, 0, shape, type);
        tensors.Add((storage, tensor));
        var bytes = new byte[tensor.Bytes];
        if (type.IsWeight())
        {
            var values = new float[tensor.Elements];
            for (var i = 0; i < values.Length; i++) values[i] = random.NextSingle() - 0.5f;
            Values.Convert(MemoryMarshal.AsBytes(values.AsSpan()), DType.F32, bytes, type);
        }
        backend.Upload(bytes, tensor);
        return tensor;
    }

    /// <summary>The SHA-256 of all of their bits, inputs and outputs.</summary>
    public string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (_, tensor) in tensors)
        {
            var bytes = new byte[tensor.Bytes];
            backend.Download(tensor, bytes);
            hash.AppendData(bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public void Dispose() => tensors.ForEach(each => each.Storage.Dispose());
}

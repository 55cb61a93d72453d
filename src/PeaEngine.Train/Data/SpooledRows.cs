using PeaEngine.Formats;

namespace PeaEngine.Train.Data;

/// <summary>A tensor whose rows come one after another before it is known how many there are: kept in a file that goes away.</summary>
sealed class SpooledRows(string folder, DType dtype) : IDisposable
{
    const int BufferBytes = 1 << 16;

    readonly FileStream file = new(Path.Combine(folder, $".pea-{Guid.NewGuid():n}.tmp"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, BufferBytes, FileOptions.DeleteOnClose);

    /// <summary>Elements so far.</summary>
    public long Elements => file.Length / dtype.SizeInBytes();

    /// <summary>Adds numbers, rounded to the element type.</summary>
    public void Add(ReadOnlySpan<float> values)
    {
        var bytes = new byte[values.Length * dtype.SizeInBytes()];
        HalfConversion.FromSingle(values, dtype, bytes);
        file.Write(bytes);
    }

    /// <summary>Adds elements of one byte.</summary>
    public void Add(ReadOnlySpan<byte> values) => file.Write(values);

    /// <summary>The tensor, to be written elsewhere while this is open.</summary>
    public TensorContent ToContent(string name, params long[] shape) => new(new(name, dtype, shape), (offset, destination) =>
    {
        file.Position = offset;
        file.ReadExactly(destination);
    });

    public void Dispose() => file.Dispose();
}

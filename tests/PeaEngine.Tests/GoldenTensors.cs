using System.Runtime.InteropServices;
using PeaEngine.Formats;

namespace PeaEngine.Tests;

/// <summary>A tensor of a golden file as singles.</summary>
sealed record GoldenTensor(string Name, int[] Shape, float[] Values)
{
    /// <summary>[B, C, H, W] as [B, H, W, C].</summary>
    public float[] ChannelsLast()
    {
        var (batch, channels, pixels) = (Shape[0], Shape[1], Shape[2] * Shape[3]);
        var turned = new float[Values.Length];
        for (var b = 0; b < batch; b++)
            for (var c = 0; c < channels; c++)
                for (var i = 0; i < pixels; i++)
                    turned[(b * pixels + i) * channels + c] = Values[(b * channels + c) * pixels + i];
        return turned;
    }
}

/// <summary>A golden safetensors file's tensors, converted to singles when asked for.</summary>
sealed class GoldenTensors(ITensorSource source) : IDisposable
{
    [ThreadStatic]
    static List<(string Name, double Error)>? errors;

    /// <summary>Opens a file.</summary>
    public static GoldenTensors Open(params string[] path) => new(SafetensorsFile.Open(Path.Combine(path)));

    /// <summary>The names.</summary>
    public IEnumerable<string> Names => source.Tensors.Keys;

    /// <summary>Whether there is a tensor of this name.</summary>
    public bool Has(string name) => source.Tensors.ContainsKey(name);

    /// <summary>A tensor; integers and doubles are rounded to single.</summary>
    public GoldenTensor this[string name]
    {
        get
        {
            Assert.True(Has(name), $"{source.Path}: no tensor '{name}'");
            var info = source.Tensors[name];
            return new GoldenTensor(name, Array.ConvertAll([.. info.Shape], extent => checked((int)extent)), ToSingles(Bytes(name), info.DType));
        }
    }

    /// <summary>A tensor of one of the integer types, exact.</summary>
    public long[] Integers(string name) => source.Tensors[name].DType switch
    {
        DType.I64 => [.. MemoryMarshal.Cast<byte, long>(Bytes(name))],
        DType.I32 => [.. MemoryMarshal.Cast<byte, int>(Bytes(name)).ToArray().Select(value => (long)value)],
        DType.U8 or DType.Bool => [.. Bytes(name).Select(value => (long)value)],
        var other => throw new ArgumentException($"{name}: {other}"),
    };

    /// <summary>A tensor of doubles, exact.</summary>
    public double[] Doubles(string name)
    {
        Assert.Equal(DType.F64, source.Tensors[name].DType);
        return [.. MemoryMarshal.Cast<byte, double>(Bytes(name))];
    }

    /// <summary>A tensor's bytes as stored.</summary>
    public byte[] Bytes(string name)
    {
        var bytes = new byte[checked((int)source.Tensors[name].Bytes)];
        source.Read(name, 0, bytes);
        return bytes;
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => source.Dispose();

    /// <summary>Runs a test of which <see cref="AssertClose(string, ReadOnlySpan{float}, ReadOnlySpan{float}, double)"/> does not fail but notes what it finds: max|expected - actual| over max|expected|; <see cref="AssertCloseInLength"/> likewise.</summary>
    public static IReadOnlyList<(string Name, double Error)> ErrorsOf(Action test)
    {
        var found = errors = [];
        try
        {
            test();
        }
        finally
        {
            errors = null;
        }
        return found;
    }

    /// <summary>
    /// Fails where max|expected - actual| exceeds <paramref name="tolerance"/> · max|expected|, or where a value is not finite; the message
    /// names the worst place.
    /// </summary>
    public static void AssertClose(GoldenTensor expected, ReadOnlySpan<float> actual, double tolerance = 1e-4) =>
        AssertClose(expected.Name, expected.Values, actual, tolerance);

    /// <inheritdoc cref="AssertClose(GoldenTensor, ReadOnlySpan{float}, double)"/>
    public static void AssertClose(string name, ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance = 1e-4)
    {
        Assert.True(expected.Length == actual.Length, $"{name}: {actual.Length} values, expected {expected.Length}");
        var (scale, worst, at) = (0.0, -1.0, 0);
        for (var i = 0; i < expected.Length; i++)
        {
            var error = Math.Abs((double)expected[i] - actual[i]);
            if (double.IsNaN(error)) error = expected[i].Equals(actual[i]) ? 0 : double.PositiveInfinity;
            if (error > worst) (worst, at) = (error, i);
            scale = Math.Max(scale, Math.Abs((double)expected[i]));
        }
        if (errors != null) errors.Add((name, worst <= 0 ? 0 : worst / scale));
        else if (worst > tolerance * scale)
            Assert.Fail($"{name}: at {at} of {expected.Length}: {actual[at]:g9}, expected {expected[at]:g9}; error {worst:g3}, {worst / scale:g3} of max {scale:g4}, tolerance {tolerance:g3}");
    }

    /// <summary>Fails where |expected - actual| exceeds <paramref name="tolerance"/> · |expected|, the lengths of all numbers together as a vector.</summary>
    public static void AssertCloseInLength(string name, ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, double tolerance)
    {
        Assert.True(expected.Length == actual.Length, $"{name}: {actual.Length} values, expected {expected.Length}");
        double error = 0, length = 0;
        for (var i = 0; i < expected.Length; i++) (error, length) = (error + Math.Pow(actual[i] - expected[i], 2), length + Math.Pow(expected[i], 2));
        var relative = Math.Sqrt(error / length);
        if (errors != null) errors.Add((name, relative));
        else Assert.True(relative <= tolerance, $"{name}: differs by {relative:g3} of its length, tolerance {tolerance:g3}");
    }

    static float[] ToSingles(byte[] bytes, DType dtype)
    {
        var values = new float[bytes.Length / dtype.SizeInBytes()];
        if (dtype.IsWeight())
        {
            HalfConversion.ToSingle(bytes, dtype, values);
            return values;
        }
        for (var i = 0; i < values.Length; i++)
            values[i] = dtype switch
            {
                DType.F64 => (float)MemoryMarshal.Cast<byte, double>(bytes)[i],
                DType.I64 => MemoryMarshal.Cast<byte, long>(bytes)[i],
                DType.U64 => MemoryMarshal.Cast<byte, ulong>(bytes)[i],
                DType.I32 => MemoryMarshal.Cast<byte, int>(bytes)[i],
                DType.U32 => MemoryMarshal.Cast<byte, uint>(bytes)[i],
                DType.I16 => MemoryMarshal.Cast<byte, short>(bytes)[i],
                DType.U16 => MemoryMarshal.Cast<byte, ushort>(bytes)[i],
                DType.I8 => (sbyte)bytes[i],
                _ => bytes[i],
            };
        return values;
    }
}

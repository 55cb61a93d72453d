using PeaEngine.Backends;
using PeaEngine.Tests.Cuda;

namespace PeaEngine.Tests.Ops;

/// <summary>
/// A backend and tensors with sentinels around them. Tensors begin at odd multiples of four bytes, as slices may. Disposing checks
/// the sentinels: an op that wrote before or behind a tensor fails there.
/// </summary>
public sealed class Fenced : IDisposable
{
    /// <summary>What the sentinels are made of.</summary>
    internal const byte Sentinel = 0xa5;

    const int OddFenceBytes = 260;

    readonly int fenceBytes, outputFenceBytes;
    readonly DType rounding;

    readonly List<(Storage Storage, Tensor Tensor)> tensors = [];
    readonly Random random = new(1);

    public Fenced(CpuBackend backend) : this(backend, OddFenceBytes, DType.F32) { }

    /// <summary>On any backend whose memory is the host's.</summary>
    /// <param name="backend">Disposed with this.</param>
    /// <param name="fenceBytes">Bytes of sentinels on each side of a tensor, which give its alignment.</param>
    /// <param name="rounding">Random values are of this type, whatever their tensor's.</param>
    /// <param name="outputFenceBytes">The same for what is to be written; 0 for as many.</param>
    internal Fenced(Backend backend, int fenceBytes, DType rounding, int outputFenceBytes = 0)
    {
        (Backend, this.fenceBytes, this.rounding) = (backend, fenceBytes, rounding);
        this.outputFenceBytes = outputFenceBytes == 0 ? fenceBytes : outputFenceBytes;
    }

    public Backend Backend { get; }

    /// <summary>Bytes of all tensors.</summary>
    internal long Bytes => tensors.Sum(each => each.Tensor.Bytes);

    /// <summary>Sentinels beside a tensor of a type: doubles always begin at a multiple of their size.</summary>
    internal static int FenceBytes(int bytes, DType dtype) => dtype == DType.F64 ? (bytes + sizeof(double) - 1) & -sizeof(double) : bytes;

    /// <summary>A tensor full of NaN.</summary>
    public Tensor New(Shape shape, DType dtype = DType.F32) => New(shape, dtype, outputFenceBytes);

    unsafe Tensor New(Shape shape, DType dtype, int fence)
    {
        var probe = shape.Elements * dtype.SizeInBytes();
        var fenceBytes = FenceBytes(fence, dtype);
        var storage = Backend.Allocate(probe + 2 * fenceBytes);
        new Span<byte>((void*)storage.Address, (int)storage.Bytes).Fill(Sentinel);
        var tensor = new Tensor(storage, fenceBytes, shape, dtype);
        tensors.Add((storage, tensor));
        new Span<byte>((void*)tensor.Address, (int)tensor.Bytes).Fill(0xff);
        return tensor;
    }

    /// <summary>A tensor of these values, rounded to the type.</summary>
    public Tensor Of(Shape shape, ReadOnlySpan<float> values, DType dtype = DType.F32)
    {
        var tensor = New(shape, dtype, fenceBytes);
        if (dtype == DType.F32) values.CopyTo(tensor.AsSpan<float>());
        else
            for (var i = 0; i < values.Length; i++)
                if (dtype == DType.F16) tensor.AsSpan<Half>()[i] = (Half)values[i];
                else tensor.AsSpan<ushort>()[i] = (ushort)(BitConverter.SingleToUInt32Bits(values[i]) >> 16);
        return tensor;
    }

    /// <summary>A tensor of numbers in double precision, [n].</summary>
    public Tensor OfDoubles(double[] values)
    {
        var tensor = New([values.Length], DType.F64);
        values.CopyTo(tensor.AsSpan<double>());
        return tensor;
    }

    /// <summary>A tensor of normally distributed values, the same in every run.</summary>
    public Tensor Normal(Shape shape, double mean = 0, double deviation = 1, DType dtype = DType.F32)
    {
        var values = new float[shape.Elements];
        for (var i = 0; i < values.Length; i++)
            values[i] = Values.Round((float)(mean + deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())), rounding);
        return Of(shape, values, dtype);
    }

    /// <summary>A tensor of what another op gave, rounded as random values are.</summary>
    public Tensor Given(Shape shape, ReadOnlySpan<double> values)
    {
        var rounded = new float[values.Length];
        for (var i = 0; i < values.Length; i++) rounded[i] = Values.Round((float)values[i], rounding);
        return Of(shape, rounded);
    }

    /// <summary>The elements of a tensor of F64, F32, F16 or BF16.</summary>
    public static double[] Read(Tensor tensor)
    {
        var values = new double[tensor.Elements];
        for (var i = 0; i < values.Length; i++)
            values[i] = tensor.DType switch
            {
                DType.F64 => tensor.AsSpan<double>()[i],
                DType.F32 => tensor.AsSpan<float>()[i],
                DType.F16 => (double)tensor.AsSpan<Half>()[i],
                _ => BitConverter.Int32BitsToSingle(tensor.AsSpan<ushort>()[i] << 16),
            };
        return values;
    }

    public unsafe void Dispose()
    {
        foreach (var (storage, tensor) in tensors)
        {
            var fenceBytes = (int)tensor.ByteOffset;
            Assert.Equal(-1, new ReadOnlySpan<byte>((void*)storage.Address, fenceBytes).IndexOfAnyExcept(Sentinel));
            Assert.Equal(-1, new ReadOnlySpan<byte>((void*)(tensor.Address + (nint)tensor.Bytes), fenceBytes).IndexOfAnyExcept(Sentinel));
            storage.Dispose();
        }
        Backend.Dispose();
    }
}

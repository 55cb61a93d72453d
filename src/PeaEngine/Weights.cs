using System.Globalization;
using System.Runtime.InteropServices;
using PeaEngine.Formats;

namespace PeaEngine;

/// <summary>
/// A place in a checkpoint: <c>w / "down_blocks" / 0 / "resnets" / 1</c> spells the key's beginning, and the Take methods load
/// what a layer needs onto the backend, once. Matrices and convolutions are of the backend's <see cref="Backend.WeightType"/>.
/// </summary>
public readonly struct Weights
{
    readonly WeightStore store;
    readonly string prefix;
    readonly float matrices, vectors;

    internal Weights(WeightStore store, string prefix, float matrices = 1, float vectors = 1) =>
        (this.store, this.prefix, this.matrices, this.vectors) = (store, prefix, matrices, vectors);

    /// <summary>One step down by name.</summary>
    public static Weights operator /(Weights weights, string name) => new(weights.store, weights.prefix + name + ".", weights.matrices, weights.vectors);

    /// <summary>One step down by index.</summary>
    public static Weights operator /(Weights weights, int index) => weights / index.ToString(CultureInfo.InvariantCulture);

    /// <summary>The same place, where what is taken is multiplied: by powers of two, so that it stays exact but for what becomes subnormal.</summary>
    /// <param name="matrices">The factor of matrices and convolutions.</param>
    /// <param name="vectors">The factor of vectors.</param>
    public Weights Scaled(float matrices, float vectors) => new(store, prefix, this.matrices * matrices, this.vectors * vectors);

    /// <summary>The key of <paramref name="name"/> at this place, for messages.</summary>
    public string Key(string name) => prefix + name;

    /// <summary>Whether the checkpoint has the key.</summary>
    public bool Has(string name) => store.Source.Tensors.ContainsKey(prefix + name);

    /// <summary>A table, in its stored type.</summary>
    /// <exception cref="PeaException">The key is missing, its shape differs, or its type is not F32, F16 or BF16.</exception>
    public Tensor Take(string name, Shape shape) => store.TakeTable(prefix + name, shape);

    /// <summary>A convolution's [O, I, kh, kw], laid out as [O, kh, kw, I].</summary>
    /// <exception cref="PeaException">As for <see cref="Take"/>.</exception>
    public Weight TakeConv(string name, int outChannels, int inChannels, int kernel) =>
        store.TakeConv(prefix + name, outChannels, inChannels, kernel, matrices);

    /// <summary>A matrix [O, I], stored as such or as a 1×1 convolution's [O, I, 1, 1].</summary>
    /// <exception cref="PeaException">As for <see cref="Take"/>.</exception>
    public Weight TakeMatrix(string name, int outChannels, int inChannels)
    {
        Shape matrix = [outChannels, inChannels];
        var isConv = store.Source.Tensors.TryGetValue(prefix + name, out var info) && info.Shape.Count == 4;
        return store.TakeMatrix(prefix + name, isConv ? [outChannels, inChannels, 1, 1] : matrix, matrix, matrices);
    }

    /// <summary>Two matrices [rows, columns] of one type, the second's rows below the first's: [2·rows, columns].</summary>
    /// <exception cref="PeaException">As for <see cref="Take"/>, or the types differ.</exception>
    public Weight TakeStacked(string first, string second, int rows, int columns) => store.TakeStacked(prefix + first, prefix + second, [rows, columns], matrices);

    /// <summary>A bias or a norm's parameter [length], converted to F32.</summary>
    /// <exception cref="PeaException">As for <see cref="Take"/>.</exception>
    public Tensor TakeVector(string name, int length) => store.TakeVector(prefix + name, [length], vectors);
}

/// <summary>
/// Owns the weights of one model: a checkpoint's tensors on a backend. Every key must be taken by some layer
/// (<see cref="AssertAllTaken"/>): a key that nobody read means that the model is not what its configuration says.
/// </summary>
public sealed class WeightStore : IDisposable
{
    const int PieceBytes = 1 << 22, SlabBytes = 1 << 25;

    readonly Backend backend;
    readonly bool keepsTypes;
    readonly HashSet<string> taken = [];
    readonly List<Storage> slabs = [];
    readonly Dictionary<string, Weight> weights = [];
    readonly Dictionary<string, Tensor> parameters = [];
    long slabUsed;
    byte[] piece = [], turned = [], converted = [];
    float[] singles = [];

    WeightStore(Backend backend, ITensorSource source, bool keepsTypes) => (this.backend, Source, this.keepsTypes) = (backend, source, keepsTypes);

    /// <summary>Builds a model over a new store, which the model then owns; when that fails, what was loaded is freed.</summary>
    /// <param name="backend">Where the weights go.</param>
    /// <param name="source">Where they come from; it stays the caller's.</param>
    /// <param name="build">Takes the weights.</param>
    /// <param name="keepsTypes">Whether matrices stay in their stored type, whatever the backend computes in: for what is trained.</param>
    public static TModel Load<TModel>(Backend backend, ITensorSource source, Func<WeightStore, TModel> build, bool keepsTypes = false)
    {
        var store = new WeightStore(backend, source, keepsTypes);
        try
        {
            return build(store);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>The checkpoint.</summary>
    public ITensorSource Source { get; }

    /// <summary>The top of the checkpoint.</summary>
    public Weights Root => new(this, "");

    /// <summary>The place from which <paramref name="key"/> leads to a tensor: the top, or below what a model around this one puts before its keys.</summary>
    public Weights RootOf(string key) => new(this, PrefixOf(Source, key));

    /// <summary>What stands before <paramref name="key"/> in a checkpoint, ending in a point; empty where nothing does, or where there is no such key.</summary>
    public static string PrefixOf(ITensorSource source, string key)
    {
        ArgumentNullException.ThrowIfNull(source);
        return source.Tensors.Keys.Where(name => ('.' + name).EndsWith('.' + key, StringComparison.Ordinal)).MinBy(name => name.Length)?[..^key.Length] ?? "";
    }

    /// <summary>The matrices and convolutions taken so far, by key.</summary>
    public IReadOnlyDictionary<string, Weight> Weights => weights;

    /// <summary>Every tensor taken so far, by key, as it lies on the backend.</summary>
    public IReadOnlyDictionary<string, Tensor> Parameters => parameters;

    /// <summary>The bytes of all weights taken so far, as they lie on the backend.</summary>
    public long Bytes { get; private set; }

    /// <summary>Ends the load.</summary>
    /// <param name="ignore">Keys that the reference also ignores, such as stored position ids.</param>
    /// <exception cref="PeaException">A key was not taken; names the first one and how many.</exception>
    public void AssertAllTaken(Predicate<string>? ignore = null)
    {
        piece = turned = converted = [];
        singles = [];
        var left = Source.Tensors.Keys.Where(key => !taken.Contains(key) && ignore?.Invoke(key) != true).Order(StringComparer.Ordinal).ToList();
        if (left.Count > 0)
            throw new PeaException($"{Source.Path}: {left.Count} tensors that this architecture does not have, such as '{left[0]}' {Source.Tensors[left[0]]}");
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        foreach (var weight in weights.Values) weight.Restore();
        foreach (var slab in slabs) slab.Dispose();
        slabs.Clear();
    }

    internal Tensor TakeTable(string key, Shape shape) => Take(key, shape, shape, type => type, 1);

    internal Tensor TakeVector(string key, Shape shape, float factor) => Take(key, shape, shape, _ => DType.F32, factor);

    internal Weight TakeMatrix(string key, Shape stored, Shape shape, float factor) => Register(key, Take(key, stored, shape, TypeOf, factor));

    internal Weight TakeStacked(string first, string second, Shape shape, float factor)
    {
        TensorInfo top = Find(first, shape), bottom = Find(second, shape);
        if (top.DType != bottom.DType) throw new PeaException($"{Source.Path}: tensor '{second}' is {bottom}, expected {top.DType} as '{first}'");
        var tensor = Allocate([2 * shape[0], shape[1]], TypeOf(top.DType));
        (parameters[first], parameters[second]) = (tensor.Slice(0, shape[0]), tensor.Slice(shape[0], shape[0]));
        Upload(first, top, parameters[first], factor);
        Upload(second, bottom, parameters[second], factor);
        return new(first, tensor);
    }

    internal Weight TakeConv(string key, int outChannels, int inChannels, int kernel, float factor)
    {
        var info = Find(key, [outChannels, inChannels, kernel, kernel]);
        var tensor = parameters[key] = Allocate([outChannels, kernel, kernel, inChannels], TypeOf(info.DType));
        var rowBytes = (long)inChannels * kernel * kernel * info.DType.SizeInBytes();
        var rows = (int)Math.Max(1, PieceBytes / rowBytes);
        for (var row = 0; row < outChannels && backend.KeepsContents; row += rows)
        {
            var count = Math.Min(rows, outChannels - row);
            var part = Piece(key, row * rowBytes, count * rowBytes, checked((int)(count * rowBytes)));
            var to = Room(ref turned, part.Length);
            if (info.DType == DType.F32) Turn(MemoryMarshal.Cast<byte, float>(part), MemoryMarshal.Cast<byte, float>(to), inChannels, kernel * kernel);
            else Turn(MemoryMarshal.Cast<byte, ushort>(part), MemoryMarshal.Cast<byte, ushort>(to), inChannels, kernel * kernel);
            Write(to, info.DType, tensor.Slice(row, count), 0, factor);
        }
        return Register(key, tensor);
    }

    Weight Register(string key, Tensor tensor) => weights[key] = new(key, tensor);

    /// <summary>What a matrix of a stored type becomes.</summary>
    DType TypeOf(DType stored) => keepsTypes ? stored : backend.WeightType(stored);

    Tensor Take(string key, Shape stored, Shape shape, Func<DType, DType> type, float factor)
    {
        var info = Find(key, stored);
        var tensor = parameters[key] = Allocate(shape, type(info.DType));
        Upload(key, info, tensor, factor);
        return tensor;
    }

    /// <summary>Copies a stored tensor piece by piece.</summary>
    void Upload(string key, TensorInfo info, Tensor tensor, float factor)
    {
        for (long offset = 0; offset < info.Bytes && backend.KeepsContents;)
        {
            var part = Piece(key, offset, info.Bytes - offset);
            Write(part, info.DType, tensor, offset / info.DType.SizeInBytes(), factor);
            offset += part.Length;
        }
    }

    /// <summary>Writes stored elements from an element of a tensor on, multiplied and rounded to its type.</summary>
    void Write(ReadOnlySpan<byte> stored, DType from, Tensor tensor, long element, float factor)
    {
        var size = tensor.DType.SizeInBytes();
        if (from != tensor.DType || factor != 1)
        {
            var count = stored.Length / from.SizeInBytes();
            if (singles.Length < count) singles = GC.AllocateUninitializedArray<float>(count);
            var values = singles.AsSpan(0, count);
            HalfConversion.ToSingle(stored, from, values);
            foreach (ref var value in values) value *= factor;
            var rounded = Room(ref converted, count * size);
            HalfConversion.FromSingle(values, tensor.DType, rounded);
            stored = rounded;
        }
        backend.Upload(stored, tensor, element * size);
    }

    /// <summary>[rows, channels, taps] to [rows, taps, channels].</summary>
    static void Turn<T>(ReadOnlySpan<T> from, Span<T> to, int channels, int taps) where T : unmanaged
    {
        if (taps == 1)
        {
            from.CopyTo(to);
            return;
        }
        for (var row = 0; row < from.Length; row += channels * taps)
        {
            ReadOnlySpan<T> source = from.Slice(row, channels * taps);
            for (var tap = 0; tap < taps; tap++)
            {
                var target = to.Slice(row + tap * channels, channels);
                var at = tap;
                for (var c = 0; c < target.Length; c++, at += taps) target[c] = source[at];
            }
        }
    }

    ReadOnlySpan<byte> Piece(string key, long offset, long left, int limit = PieceBytes)
    {
        var part = Room(ref piece, (int)Math.Min(left, limit));
        Source.Read(key, offset, part);
        return part;
    }

    /// <summary>The first bytes of a buffer that serves one tensor after another and grows as they do.</summary>
    static Span<byte> Room(ref byte[] buffer, int bytes)
    {
        if (buffer.Length < bytes) buffer = GC.AllocateUninitializedArray<byte>(bytes);
        return buffer.AsSpan(0, bytes);
    }

    TensorInfo Find(string key, Shape shape)
    {
        long[] expected = [.. Extents(shape)];
        if (Source.Find(key, expected) is not { } info)
            throw new PeaException($"{Source.Path}: no tensor '{key}', expected one of {shape}");
        if (!info.Shape.SequenceEqual(expected))
            throw new PeaException($"{Source.Path}: tensor '{key}' is {info}, expected {shape}");
        if (!info.DType.IsWeight())
            throw new PeaException($"{Source.Path}: tensor '{key}' is {info}, expected F32, F16 or BF16");
        taken.Add(key);
        return info;
    }

    static IEnumerable<long> Extents(Shape shape)
    {
        foreach (var extent in shape) yield return extent;
    }

    Tensor Allocate(Shape shape, DType dtype)
    {
        var bytes = Arena.Align(shape.Elements * dtype.SizeInBytes());
        if (slabs.Count == 0 || slabUsed + bytes > slabs[^1].Bytes)
        {
            slabs.Add(backend.Allocate(Math.Max(bytes, SlabBytes)));
            slabUsed = 0;
        }
        var tensor = new Tensor(slabs[^1], slabUsed, shape, dtype);
        slabUsed += bytes;
        Bytes += bytes;
        return tensor;
    }
}

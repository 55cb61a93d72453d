using System.Buffers.Binary;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Lora;

/// <summary>
/// A LoRA as peft, diffusers or kohya's trainer saves it, or differences of whole weights as LyCORIS does. Opening reads the header and the
/// alphas; the matrices are read from the file whenever they are fused.
/// </summary>
public sealed class LoraFile : IDisposable
{
    readonly ITensorSource source;

    LoraFile(ITensorSource source)
    {
        this.source = source;
        Changes = ReadChanges();
    }

    /// <summary>The file.</summary>
    public string Path => source.Path;

    /// <summary>What it adds to which weight, in the order of their keys.</summary>
    internal IReadOnlyList<LoraChange> Changes { get; }

    /// <summary>Opens a safetensors or torch file and checks that every tensor is part of a LoRA.</summary>
    /// <exception cref="PeaException">There is none, it is damaged, or it is not a LoRA; names the key.</exception>
    public static LoraFile Open(string path)
    {
        var source = TensorFile.Open(path);
        try
        {
            return new(source);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>Closes the file. It must not be fused any more.</summary>
    public void Dispose() => source.Dispose();

    /// <summary>A matrix's values, row major.</summary>
    /// <exception cref="PeaException">The file cannot be read.</exception>
    internal void Read(TensorInfo info, Span<float> values)
    {
        var raw = new byte[info.Bytes];
        source.Read(info.Name, 0, raw);
        HalfConversion.ToSingle(raw, info.DType, values);
    }

    internal PeaException Wrong(string message) => new($"{Path}: {message}");

    List<LoraChange> ReadChanges()
    {
        var modules = new SortedDictionary<(string Component, string Module), Dictionary<LoraPart, TensorInfo>>(
            Comparer<(string, string)>.Create((a, b) => string.CompareOrdinal(a.Item1, b.Item1) is not 0 and var order ? order : string.CompareOrdinal(a.Item2, b.Item2)));
        foreach (var key in source.Tensors.Keys.Order(StringComparer.Ordinal))
        {
            if (LoraKey.Parse(key) is not { } parsed) throw Wrong($"tensor {Quoted.Of(key)}, expected a LoRA's: lora_A, lora_B, lora_down, lora_up, lora.down, lora.up, diff or alpha");
            if (!modules.TryGetValue((parsed.Component, parsed.Module), out var parts)) modules.Add((parsed.Component, parsed.Module), parts = []);
            if (!parts.TryAdd(parsed.Part, source.Tensors[key])) throw Wrong($"tensors {Quoted.Of(parts[parsed.Part].Name)} and {Quoted.Of(key)}, expected one of them");
        }
        if (modules.Count == 0) throw Wrong("no tensors, expected a LoRA's");
        var metadata = source is SafetensorsFile file ? LoraMetadata.Read(file) : null;
        return [.. modules.Select(pair => Change(pair.Key.Component, pair.Key.Module, pair.Value, metadata))];
    }

    LoraChange Change(string component, string module, Dictionary<LoraPart, TensorInfo> parts, LoraMetadata? metadata)
    {
        if (parts.TryGetValue(LoraPart.Difference, out var difference))
        {
            if (parts.TryGetValue(LoraPart.Down, out var other) || parts.TryGetValue(LoraPart.Up, out other))
                throw Wrong($"tensors {Quoted.Of(difference.Name)} and {Quoted.Of(other.Name)}, expected a difference or factors");
            CheckMatrix(difference);
            return new LoraDifference(component, module, difference);
        }
        if (!parts.TryGetValue(LoraPart.Down, out var down) || !parts.TryGetValue(LoraPart.Up, out var up))
            throw Wrong($"tensor {Quoted.Of(parts.MinBy(part => part.Key).Value.Name)} is there without its counterpart, expected both factors of a product");
        CheckMatrix(down);
        CheckMatrix(up);
        if (up.Shape[1] != down.Shape[0]) throw Wrong($"tensor {Quoted.Of(up.Name)} is {up}, expected the rank {down.Shape[0]} of {Quoted.Of(down.Name)}");
        var rank = down.Shape[0];
        var factor = parts.TryGetValue(LoraPart.Alpha, out var alpha) ? ReadAlpha(alpha) / rank : metadata?.Factor(component, module, rank) ?? 1;
        return new LoraPair(component, module, down, up, factor);
    }

    void CheckMatrix(TensorInfo info)
    {
        if (info.Shape.Count is not (2 or 4) || info.Elements is 0 or > int.MaxValue || !info.DType.IsWeight())
            throw Wrong($"tensor {Quoted.Of(info.Name)} is {info}, expected a matrix or a convolution of F32, F16 or BF16");
    }

    double ReadAlpha(TensorInfo info)
    {
        Span<byte> raw = stackalloc byte[sizeof(double)];
        if (info.Elements != 1) throw Wrong($"tensor {Quoted.Of(info.Name)} is {info}, expected a single number");
        source.Read(info.Name, 0, raw[..info.DType.SizeInBytes()]);
        var alpha = info.DType switch
        {
            DType.F64 => BinaryPrimitives.ReadDoubleLittleEndian(raw),
            DType.F32 => BinaryPrimitives.ReadSingleLittleEndian(raw),
            DType.F16 => (double)BinaryPrimitives.ReadHalfLittleEndian(raw),
            DType.BF16 => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(raw) << 16),
            DType.I64 => BinaryPrimitives.ReadInt64LittleEndian(raw),
            DType.I32 => BinaryPrimitives.ReadInt32LittleEndian(raw),
            _ => throw Wrong($"tensor {Quoted.Of(info.Name)} is {info}, expected F64, F32, F16, BF16, I64 or I32"),
        };
        return double.IsFinite(alpha) ? alpha : throw Wrong($"tensor {Quoted.Of(info.Name)} is {alpha}, expected a finite number");
    }
}

using System.Globalization;
using System.Numerics;
using System.Text;

namespace PeaEngine.Formats;

/// <summary>The pickle, of protocol 2, of a dictionary of tensors as Python's pickler makes it for torch: what comes again is recalled from the memo.</summary>
/// <remarks>Python's <c>Lib/pickle.py</c>; torch's <c>_rebuild_tensor_v2</c> in torch/_utils.py.</remarks>
sealed class StateDictionaryPickle(BinaryWriter writer)
{
    readonly Dictionary<string, int> shared = [];
    int memo;

    /// <summary>A dictionary whose i-th tensor is the whole of the storage named i.</summary>
    /// <exception cref="PeaException">torch has no storage of an element type.</exception>
    public static byte[] Of(IReadOnlyList<TensorInfo> tensors)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        new StateDictionaryPickle(writer).Write(tensors);
        return stream.ToArray();
    }

    void Write(IReadOnlyList<TensorInfo> tensors)
    {
        Opcode(PickleOpcode.Proto);
        writer.Write((byte)2);
        Opcode(PickleOpcode.EmptyDict);
        Remember();
        Opcode(PickleOpcode.Mark);
        for (var i = 0; i < tensors.Count; i++)
        {
            Text(tensors[i].Name);
            Tensor(tensors[i], i);
        }
        Opcode(PickleOpcode.SetItems);
        Opcode(PickleOpcode.Stop);
    }

    /// <summary>_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks).</summary>
    void Tensor(TensorInfo info, int storage)
    {
        Global("torch._utils", "_rebuild_tensor_v2");
        Opcode(PickleOpcode.Mark);
        Storage(info, storage);
        Integer(0);
        Tuple(info.Shape);
        Tuple(Strides(info.Shape));
        Opcode(PickleOpcode.NewFalse);
        Global("collections", "OrderedDict");
        Opcode(PickleOpcode.EmptyTuple);
        Call();
        Opcode(PickleOpcode.Tuple);
        Remember();
        Call();
    }

    /// <summary>The persistent id ('storage', type, key, location, elements).</summary>
    void Storage(TensorInfo info, int key)
    {
        Opcode(PickleOpcode.Mark);
        Shared("storage", () => Text("storage"));
        Global("torch", TorchGlobals.StorageOf(info.DType) ?? throw new PeaException($"tensor {Quoted.Of(info.Name)} is {info}, which torch's files have no storage for"));
        Text(key.ToString(CultureInfo.InvariantCulture));
        Shared("cpu", () => Text("cpu"));
        Integer(info.Elements);
        Opcode(PickleOpcode.Tuple);
        Remember();
        Opcode(PickleOpcode.BinPersId);
    }

    void Call()
    {
        Opcode(PickleOpcode.Reduce);
        Remember();
    }

    void Global(string module, string name) => Shared($"{module} {name}", () =>
    {
        Opcode(PickleOpcode.Global);
        writer.Write(Encoding.ASCII.GetBytes($"{module}\n{name}\n"));
        Remember();
    });

    /// <summary>Written once, then recalled.</summary>
    void Shared(string name, Action write)
    {
        if (shared.TryGetValue(name, out var index))
        {
            Indexed(PickleOpcode.BinGet, PickleOpcode.LongBinGet, index);
            return;
        }
        write();
        shared.Add(name, memo - 1);
    }

    void Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Opcode(PickleOpcode.BinUnicode);
        writer.Write(bytes.Length);
        writer.Write(bytes);
        Remember();
    }

    void Tuple(IReadOnlyList<long> numbers)
    {
        if (numbers.Count == 0)
        {
            Opcode(PickleOpcode.EmptyTuple);
            return;
        }
        if (numbers.Count > 3) Opcode(PickleOpcode.Mark);
        foreach (var number in numbers) Integer(number);
        Opcode(numbers.Count switch { 1 => PickleOpcode.Tuple1, 2 => PickleOpcode.Tuple2, 3 => PickleOpcode.Tuple3, _ => PickleOpcode.Tuple });
        Remember();
    }

    void Integer(long value)
    {
        switch (value)
        {
            case >= 0 and <= byte.MaxValue: Opcode(PickleOpcode.BinInt1); writer.Write((byte)value); break;
            case >= 0 and <= ushort.MaxValue: Opcode(PickleOpcode.BinInt2); writer.Write((ushort)value); break;
            case >= 0 and <= int.MaxValue: Opcode(PickleOpcode.BinInt); writer.Write((int)value); break;
            default:
                // As few bytes as hold it with its sign.
                var bytes = (64 - BitOperations.LeadingZeroCount((ulong)value)) / 8 + 1;
                Opcode(PickleOpcode.Long1);
                writer.Write((byte)bytes);
                for (var i = 0; i < bytes; i++) writer.Write((byte)(value >> (8 * i)));
                break;
        }
    }

    void Remember() => Indexed(PickleOpcode.BinPut, PickleOpcode.LongBinPut, memo++);

    void Indexed(PickleOpcode near, PickleOpcode far, int index)
    {
        Opcode(index <= byte.MaxValue ? near : far);
        if (index <= byte.MaxValue) writer.Write((byte)index);
        else writer.Write(index);
    }

    void Opcode(PickleOpcode opcode) => writer.Write((byte)opcode);

    /// <summary>Elements from one index to the next in row-major order; torch counts an extent of 0 as 1.</summary>
    static long[] Strides(IReadOnlyList<long> shape)
    {
        var strides = new long[shape.Count];
        var stride = 1L;
        for (var i = strides.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= Math.Max(shape[i], 1);
        }
        return strides;
    }
}

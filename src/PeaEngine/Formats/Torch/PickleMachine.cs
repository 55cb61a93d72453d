using System.Runtime.InteropServices;

namespace PeaEngine.Formats;

/// <summary>
/// Runs one pickle of protocol 2 to 5. It makes numbers, strings, lists, tuples and dictionaries; what else a pickle names or calls goes to
/// <see cref="TorchGlobals"/>, so nothing is ever executed. It does not recurse, and each byte of the pickle costs a bounded amount of memory.
/// </summary>
/// <remarks>Opcodes: Python's <c>Lib/pickletools.py</c>.</remarks>
sealed class PickleMachine(PickleReader reader)
{
    const int OldestProtocol = 2, NewestProtocol = 5;

    readonly List<object?> stack = [];
    readonly Stack<int> marks = [];
    readonly Dictionary<uint, object?> memo = [];
    readonly Dictionary<string, TorchStorage> storages = [];

    /// <summary>The storages that the pickle named so far, by key.</summary>
    public IReadOnlyDictionary<string, TorchStorage> Storages => storages;

    /// <summary>Runs to the STOP, and gives the object.</summary>
    /// <exception cref="PeaException">The pickle is broken, or names something that is not on the list.</exception>
    public object? Run()
    {
        if (reader.Byte() != (byte)PickleOpcode.Proto || reader.Byte() is not (>= OldestProtocol and <= NewestProtocol))
            throw reader.Broken($"no pickle of protocol {OldestProtocol} to {NewestProtocol} begins here");
        try
        {
            for (var opcode = Opcode(); opcode != PickleOpcode.Stop; opcode = Opcode())
                if (!(Number(opcode) || Text(opcode) || Container(opcode) || Memo(opcode) || Object(opcode)))
                    throw reader.Broken($"the pickle's opcode 0x{(byte)opcode:x2}, expected one of protocol {OldestProtocol} to {NewestProtocol}");
            return Pop();
        }
        catch (TorchValueException exception)
        {
            throw reader.Broken(exception.Message);
        }
    }

    PickleOpcode Opcode() => (PickleOpcode)reader.Byte();

    bool Number(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.None: Push(null); break;
            case PickleOpcode.NewTrue: Push(true); break;
            case PickleOpcode.NewFalse: Push(false); break;
            case PickleOpcode.BinInt: Push((long)reader.Int32()); break;
            case PickleOpcode.BinInt1: Push((long)reader.Byte()); break;
            case PickleOpcode.BinInt2: Push((long)reader.UInt16()); break;
            case PickleOpcode.Long1: PushInteger(reader.Byte()); break;
            case PickleOpcode.Long4: PushInteger(reader.Int32()); break;
            case PickleOpcode.BinFloat: Push(reader.Double()); break;
            default: return false;
        }
        return true;
    }

    bool Text(PickleOpcode opcode)
    {
        switch (opcode)
        {
            // Python 2's strings are bytes, but torch's keys among them are ASCII.
            case PickleOpcode.ShortBinString or PickleOpcode.ShortBinUnicode: Push(reader.Text(reader.Byte())); break;
            case PickleOpcode.BinString: Push(reader.Text(reader.Int32())); break;
            case PickleOpcode.BinUnicode: Push(reader.Text(reader.UInt32())); break;
            case PickleOpcode.BinUnicode8: Push(reader.Text(reader.Int64())); break;
            case PickleOpcode.ShortBinBytes: SkipBytes(reader.Byte()); break;
            case PickleOpcode.BinBytes: SkipBytes(reader.UInt32()); break;
            case PickleOpcode.BinBytes8 or PickleOpcode.ByteArray8: SkipBytes(reader.Int64()); break;
            default: return false;
        }
        return true;
    }

    bool Container(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Mark: marks.Push(stack.Count); break;
            case PickleOpcode.PopMark: PopToMark(); break;
            case PickleOpcode.Pop:
                if (marks.TryPeek(out var mark) && mark == stack.Count) marks.Pop();
                else Pop();
                break;
            case PickleOpcode.Dup: Push(Top()); break;
            case PickleOpcode.EmptyTuple: Push(Array.Empty<object?>()); break;
            case PickleOpcode.Tuple1: Push(PopMany(1)); break;
            case PickleOpcode.Tuple2: Push(PopMany(2)); break;
            case PickleOpcode.Tuple3: Push(PopMany(3)); break;
            case PickleOpcode.Tuple: Push(PopToMark()); break;
            case PickleOpcode.EmptyList: Push(new List<object?>()); break;
            case PickleOpcode.EmptyDict: Push(new PickleDictionary()); break;
            case PickleOpcode.EmptySet: Push(Inert.Value); break;
            case PickleOpcode.FrozenSet: PopToMark(); Push(Inert.Value); break;
            case PickleOpcode.Append: Extend(PopMany(1)); break;
            case PickleOpcode.Appends or PickleOpcode.AddItems: Extend(PopToMark()); break;
            case PickleOpcode.SetItem: SetItems(PopMany(2)); break;
            case PickleOpcode.SetItems: SetItems(PopToMark()); break;
            default: return false;
        }
        return true;
    }

    bool Memo(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.BinPut: memo[reader.Byte()] = Top(); break;
            case PickleOpcode.LongBinPut: memo[reader.UInt32()] = Top(); break;
            case PickleOpcode.Memoize: memo[(uint)memo.Count] = Top(); break;
            case PickleOpcode.BinGet: Push(Recall(reader.Byte())); break;
            case PickleOpcode.LongBinGet: Push(Recall(reader.UInt32())); break;
            case PickleOpcode.Frame: reader.Check(reader.Int64()); break;
            default: return false;
        }
        return true;
    }

    bool Object(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Global: Push(Global(reader.Line(), reader.Line())); break;
            case PickleOpcode.StackGlobal:
                if (PopMany(2) is not [string module, string name]) throw reader.Broken("a global that is not named by two strings");
                Push(Global(module, name));
                break;
            case PickleOpcode.BinPersId:
                var storage = TorchGlobals.PersistentId(Pop());
                storages.TryAdd(storage.Key, storage);
                Push(storage);
                break;
            case PickleOpcode.Reduce or PickleOpcode.NewObj: Call(PopMany(2)); break;
            case PickleOpcode.NewObjEx: Call(PopMany(3)); break;
            case PickleOpcode.Build:
                Pop();
                // The state beside an object's content, such as an OrderedDict's _metadata, holds no tensors that anyone asks for.
                if (Top() is not (PickleDictionary or TorchTensor or Inert)) throw reader.Broken("a state for an object that has none");
                break;
            default: return false;
        }
        return true;
    }

    object? Global(string module, string name) =>
        TorchGlobals.Find(module, name) ?? throw reader.Broken($"the pickle names {Quoted.Of($"{module}.{name}")}, which is not on the list of what a torch file may name; nothing was executed");

    void Call(object?[] operands)
    {
        if (operands[1] is not object?[] arguments) throw reader.Broken("a call without a tuple of arguments");
        // The third operand of NEWOBJ_EX are arguments by keyword, which no function on the list takes.
        var isCallable = operands[0] is Inert || operands is [TorchFunction, _];
        if (!isCallable) throw reader.Broken("a call of something that is not a function on the list");
        Push(operands[0] is TorchFunction function ? function(arguments) : Inert.Value);
    }

    void PushInteger(long bytes)
    {
        if (reader.Integer(bytes) is not { } value) Push(Inert.Value);
        else Push(value >= long.MinValue && value <= long.MaxValue ? (object)(long)value : value);
    }

    void SkipBytes(long bytes)
    {
        reader.Skip(bytes);
        Push(Inert.Value);
    }

    void Push(object? value) => stack.Add(value);

    object? Pop()
    {
        var top = Top();
        stack.RemoveAt(stack.Count - 1);
        return top;
    }

    object? Top()
    {
        Need(1);
        return stack[^1];
    }

    object?[] PopMany(int count)
    {
        Need(count);
        return PopFrom(stack.Count - count);
    }

    object?[] PopToMark() => marks.TryPop(out var mark) ? PopFrom(mark) : throw reader.Broken("no mark on the pickle's stack");

    object?[] PopFrom(int start)
    {
        var items = CollectionsMarshal.AsSpan(stack)[start..].ToArray();
        stack.RemoveRange(start, items.Length);
        return items;
    }

    void Need(int count)
    {
        if (stack.Count - (marks.TryPeek(out var mark) ? mark : 0) < count) throw reader.Broken("the pickle's stack is empty");
    }

    object? Recall(uint index) => memo.TryGetValue(index, out var value) ? value : throw reader.Broken($"the pickle's memo has no {index}");

    void Extend(object?[] items)
    {
        if (Top() is List<object?> list) list.AddRange(items);
        else if (Top() is not Inert) throw reader.Broken("items for something that is not a list");
    }

    void SetItems(object?[] items)
    {
        if (items.Length % 2 != 0) throw reader.Broken("a key without a value");
        if (Top() is Inert) return;
        if (Top() is not PickleDictionary dictionary) throw reader.Broken("keys for something that is not a dictionary");
        for (var i = 0; i < items.Length; i += 2) dictionary.Set(items[i], items[i + 1]);
    }
}

namespace PeaEngine.Formats;

/// <summary>
/// What a torch file may name: the functions that rebuild tensors, the element types and storages, and harmless names that training
/// states are known to have. Everything else is refused.
/// </summary>
static class TorchGlobals
{
    /// <summary>torch's own limit on the number of dimensions.</summary>
    const int MaxRank = 64;

    static readonly TorchElement[] Elements =
    [
        new("float32", 4, DType.F32), new("float16", 2, DType.F16), new("bfloat16", 2, DType.BF16), new("float64", 8, DType.F64),
        new("int64", 8, DType.I64), new("int32", 4, DType.I32), new("int16", 2, DType.I16), new("int8", 1, DType.I8),
        new("uint64", 8, DType.U64), new("uint32", 4, DType.U32), new("uint16", 2, DType.U16), new("uint8", 1, DType.U8), new("bool", 1, DType.Bool),
        new("complex32", 4, null), new("complex64", 8, null), new("complex128", 16, null),
        new("float8_e4m3fn", 1, null), new("float8_e5m2", 1, null), new("float8_e4m3fnuz", 1, null), new("float8_e5m2fnuz", 1, null), new("float8_e8m0fnu", 1, null),
    ];

    static readonly (string Name, string Element)[] Storages =
    [
        ("FloatStorage", "float32"), ("HalfStorage", "float16"), ("BFloat16Storage", "bfloat16"), ("DoubleStorage", "float64"), ("LongStorage", "int64"),
        ("IntStorage", "int32"), ("ShortStorage", "int16"), ("CharStorage", "int8"), ("ByteStorage", "uint8"), ("BoolStorage", "bool"),
        ("ComplexFloatStorage", "complex64"), ("ComplexDoubleStorage", "complex128"),
    ];

    /// <summary>Names that stand in training states; they are not looked into, and no tensor comes of them.</summary>
    static readonly string[] InertNames =
    [
        "torch.device", "torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer",
        "numpy.dtype", "numpy.ndarray", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
        "__builtin__.set", "__builtin__.frozenset", "__builtin__.bytearray", "__builtin__.dict", "builtins.set", "builtins.frozenset", "builtins.bytearray", "builtins.dict",
        "_codecs.encode", "collections.defaultdict", "collections.Counter", "argparse.Namespace",
        "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
    ];

    static readonly Dictionary<string, object> Allowed = Build();

    /// <summary>What a name stands for: a <see cref="TorchFunction"/>, a <see cref="TorchElement"/> or <see cref="Inert"/>; null where it is not allowed.</summary>
    public static object? Find(string module, string name) => Allowed.GetValueOrDefault($"{module}.{name}");

    /// <summary>torch's class of a storage of an element type, or null where it has none.</summary>
    public static string? StorageOf(DType dtype) => Storages.FirstOrDefault(storage => Elements.Any(element => element.Name == storage.Element && element.DType == dtype)).Name;

    /// <summary>The storage that a persistent id stands for: ('storage', type, key, location, elements), in legacy files also None or (key, first, elements) of a part.</summary>
    /// <exception cref="TorchValueException">It is of another form.</exception>
    public static TorchStorage PersistentId(object? id)
    {
        if (id is not object?[] { Length: 5 or 6 } parts || parts is not ["storage", TorchElement element, string key, string, long elements, ..])
            throw new TorchValueException("a persistent id of another form, expected a storage's type, key, location and size");
        CheckSize(element, key, elements);
        if (parts.Length == 5 || parts[5] == null) return new TorchStorage(key, element, elements, 0, elements);
        if (Items(parts[5]) is not [string, long first, long partElements])
            throw new TorchValueException($"storage {Quoted.Of(key)}: a view of another form, expected its key, begin and size");
        if (first < 0 || partElements < 0 || first > elements - partElements)
            throw new TorchValueException($"storage {Quoted.Of(key)}: a view of {partElements} elements from {first} on, expected it within the {elements} there");
        return new TorchStorage(key, element, elements, first, partElements);
    }

    static Dictionary<string, object> Build()
    {
        var allowed = new Dictionary<string, object>
        {
            ["collections.OrderedDict"] = (TorchFunction)OrderedDictionary,
            ["torch.Size"] = (TorchFunction)(arguments => arguments is [object?[] or List<object?>] ? Items(arguments[0]) : throw Wrong("torch.Size")),
            ["torch._utils._rebuild_tensor"] = (TorchFunction)RebuildTensor,
            ["torch._utils._rebuild_tensor_v2"] = (TorchFunction)RebuildTensor,
            ["torch._utils._rebuild_tensor_v3"] = (TorchFunction)RebuildTypedTensor,
            ["torch._utils._rebuild_parameter"] = (TorchFunction)RebuildParameter,
            ["torch._utils._rebuild_parameter_with_state"] = (TorchFunction)RebuildParameter,
            ["torch._tensor._rebuild_from_type_v2"] = (TorchFunction)RebuildFromType,
            ["torch.storage.UntypedStorage"] = new TorchElement("byte", 1, null),
        };
        foreach (var element in Elements) allowed.Add($"torch.{element.Name}", element);
        foreach (var (name, element) in Storages)
            foreach (var module in new[] { "torch", "torch.cuda" }) allowed.Add($"{module}.{name}", Elements.Single(candidate => candidate.Name == element));
        foreach (var name in InertNames) allowed.Add(name, Inert.Value);
        return allowed;
    }

    /// <summary>None, or a list of pairs as Python 2 has it.</summary>
    static PickleDictionary OrderedDictionary(object?[] arguments)
    {
        var dictionary = new PickleDictionary();
        if (arguments.Length == 0) return dictionary;
        if (arguments is not [List<object?> pairs]) throw Wrong("collections.OrderedDict");
        foreach (var pair in pairs)
        {
            if (Items(pair) is not [var key, var value]) throw Wrong("collections.OrderedDict");
            dictionary.Set(key, value);
        }
        return dictionary;
    }

    /// <summary>(storage, offset, size, stride, …); requires_grad, hooks and metadata are training's.</summary>
    static TorchTensor RebuildTensor(object?[] arguments)
    {
        if (arguments is not [TorchStorage storage, long offset, object?[] size, object?[] stride, ..]) throw Wrong("torch._utils._rebuild_tensor");
        return View(storage, storage.Element, offset, size, stride);
    }

    /// <summary>(untyped storage, offset, size, stride, requires_grad, hooks, dtype, …), for the types that have no storage class.</summary>
    static TorchTensor RebuildTypedTensor(object?[] arguments)
    {
        if (arguments is not [TorchStorage storage, long offset, object?[] size, object?[] stride, _, _, TorchElement element, ..]) throw Wrong("torch._utils._rebuild_tensor_v3");
        return View(storage, element, offset, size, stride);
    }

    static object RebuildParameter(object?[] arguments) => arguments is [TorchTensor tensor, ..] ? tensor : throw Wrong("torch._utils._rebuild_parameter");

    /// <summary>(function, type, arguments, state) of a tensor with attributes.</summary>
    static TorchTensor RebuildFromType(object?[] arguments) => arguments switch
    {
        [TorchFunction function, Inert, object?[] inner, _] when function == RebuildTensor => RebuildTensor(inner),
        [TorchFunction function, Inert, object?[] inner, _] when function == RebuildTypedTensor => RebuildTypedTensor(inner),
        _ => throw Wrong("torch._tensor._rebuild_from_type_v2"),
    };

    /// <summary>Checks that the view stays inside its storage.</summary>
    static TorchTensor View(TorchStorage storage, TorchElement element, long offset, object?[] size, object?[] stride)
    {
        if (size.Length != stride.Length || size.Length > MaxRank) throw new TorchValueException($"a tensor with {size.Length} extents and {stride.Length} strides, expected as many, and at most {MaxRank}");
        var (shape, strides) = (Numbers(size, "extent"), Numbers(stride, "stride"));
        if (offset < 0) throw new TorchValueException($"a tensor that begins at element {offset}, expected 0 or more");
        if (shape.Contains(0)) return new TorchTensor(storage, element, offset, shape, strides);
        var bytes = (Int128)storage.Elements * storage.Element.Bytes;
        var room = (UInt128)(bytes / element.Bytes);
        // The sum stops growing as soon as it is outside, so that it fits in 128 bits.
        var last = (UInt128)offset;
        for (var i = 0; i < shape.Length && last < room; i++) last += (UInt128)(shape[i] - 1) * (UInt128)strides[i];
        if (last >= room)
            throw new TorchValueException($"a tensor [{string.Join(',', shape)}] with strides [{string.Join(',', strides)}] from element {offset} on, expected it within the {room} of its storage");
        return new TorchTensor(storage, element, offset, shape, strides);
    }

    static void CheckSize(TorchElement element, string key, long elements)
    {
        if (elements < 0 || elements > long.MaxValue / element.Bytes) throw new TorchValueException($"storage {Quoted.Of(key)}: {elements} elements, expected 0 or more, of less than 2^63 bytes");
    }

    static long[] Numbers(object?[] items, string what) =>
        Array.ConvertAll(items, item => item is long number and >= 0 ? number : throw new TorchValueException($"a tensor with the {what} {(item is long ? item : "of another type")}, expected a whole number of 0 or more"));

    static object?[] Items(object? sequence) => sequence as object?[] ?? (sequence as List<object?>)?.ToArray() ?? [];

    static TorchValueException Wrong(string function) => new($"{function} with other arguments than torch gives it");
}

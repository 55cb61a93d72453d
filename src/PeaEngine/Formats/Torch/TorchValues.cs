namespace PeaEngine.Formats;

/// <summary>Stands for a Python object whose content does not matter here, such as a set, a device or a numpy number: it is named, never made.</summary>
sealed class Inert
{
    public static readonly Inert Value = new();
}

/// <summary>A Python dictionary's entries that have a string for a key; the others cannot lead to a named tensor.</summary>
sealed class PickleDictionary
{
    readonly Dictionary<string, object?> entries = [];

    /// <summary>The entries in the order of the file.</summary>
    public IReadOnlyDictionary<string, object?> Entries => entries;

    /// <summary>Sets an entry; a later one of the same key wins, as in Python.</summary>
    public void Set(object? key, object? value)
    {
        if (key is string name) entries[name] = value;
    }
}

/// <summary>An element type of torch's.</summary>
/// <param name="Name">torch's name, such as <c>bfloat16</c>.</param>
/// <param name="Bytes">The size of an element.</param>
/// <param name="DType">The same type here; null where there is none.</param>
sealed record TorchElement(string Name, int Bytes, DType? DType);

/// <summary>The elements that tensors are views of, or a range of them that the legacy format names.</summary>
/// <param name="Key">The name of its bytes in the file.</param>
/// <param name="Element">What it is counted in.</param>
/// <param name="FileElements">The number of elements under the key.</param>
/// <param name="First">The first element of the range.</param>
/// <param name="Elements">The number of elements in the range.</param>
sealed record TorchStorage(string Key, TorchElement Element, long FileElements, long First, long Elements);

/// <summary>A view of a storage.</summary>
/// <param name="Storage">The elements.</param>
/// <param name="Element">What offset and strides are counted in.</param>
/// <param name="Offset">The first element.</param>
/// <param name="Shape">The extents, outermost first.</param>
/// <param name="Strides">Elements from one index to the next, for each extent.</param>
sealed record TorchTensor(TorchStorage Storage, TorchElement Element, long Offset, long[] Shape, long[] Strides);

/// <summary>A function that a pickle may call: it makes a value of its arguments.</summary>
delegate object? TorchFunction(object?[] arguments);

/// <summary>Arguments that make no value; the machine adds where in the file.</summary>
sealed class TorchValueException(string message) : Exception(message);

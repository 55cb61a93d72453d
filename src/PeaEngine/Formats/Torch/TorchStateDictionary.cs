namespace PeaEngine.Formats;

/// <summary>Finds the named tensors in a saved object.</summary>
static class TorchStateDictionary
{
    const string StateDict = "state_dict";
    const int MaxDepth = 16, NameCharactersPerByte = 16;

    /// <summary>Every tensor by its key.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="root">The saved object.</param>
    /// <param name="fileBytes">The file's size, which bounds what the names may take: a dictionary's key stands before those of all its tensors.</param>
    /// <exception cref="PeaException">The object is no dictionary.</exception>
    public static Dictionary<string, TorchTensor> Collect(string path, object? root, long fileBytes)
    {
        if (root is not PickleDictionary dictionary) throw new PeaException($"{path}: {Describe(root)} was saved, expected a dictionary of tensors");
        if (dictionary.Entries.GetValueOrDefault(StateDict) is PickleDictionary state) dictionary = state;
        var tensors = new Dictionary<string, TorchTensor>();
        var seen = new HashSet<PickleDictionary>();
        var left = fileBytes * NameCharactersPerByte;
        Visit(dictionary, "", 0);
        return tensors;

        void Visit(PickleDictionary from, string prefix, int depth)
        {
            // Each dictionary once, or a file of a few bytes could hold itself, or lead to one dictionary along endless paths.
            if (depth == MaxDepth || !seen.Add(from)) return;
            foreach (var (key, value) in from.Entries)
            {
                if (value is not (TorchTensor or PickleDictionary)) continue;
                left -= prefix.Length + key.Length;
                if (left < 0) throw new PeaException($"{path}: the names of the tensors take more than {NameCharactersPerByte} times the file's {fileBytes} bytes");
                var name = prefix + key;
                if (value is PickleDictionary inner) Visit(inner, $"{name}.", depth + 1);
                else if (!tensors.TryAdd(name, (TorchTensor)value)) throw new PeaException($"{path}: tensor {Quoted.Of(name)} twice, expected every name once");
            }
        }
    }

    static string Describe(object? value) => value switch
    {
        null => "None",
        TorchTensor => "a tensor without a name",
        List<object?> => "a list",
        object?[] => "a tuple",
        string => "a string",
        _ => "an object of another type",
    };
}

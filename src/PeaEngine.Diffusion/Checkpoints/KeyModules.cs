namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>Every module that a set of keys names, innermost and outermost: <c>a.b.weight</c> has <c>a</c>, <c>a.b</c> and itself.</summary>
sealed class KeyModules
{
    /// <summary>A longer key is no model's; it counts as unknown, so that one of many dots costs nothing.</summary>
    public const int LongestKey = 256;

    /// <summary>More than this of anything is not a model but a mistake.</summary>
    const int Most = 256;

    readonly HashSet<string> modules = [];

    public KeyModules(IEnumerable<string> keys)
    {
        foreach (var key in keys)
            // What is there already has its outer modules too.
            for (var end = key.Length <= LongestKey ? key.Length : 0; end > 0 && modules.Add(key[..end]); end = key.LastIndexOf('.', end - 1)) { }
    }

    /// <summary>Whether there is such a module or key.</summary>
    public bool Has(string module) => modules.Contains(module);

    /// <summary>How many of <c>name(0)</c>, <c>name(1)</c>, … there are until one is missing, at most 256.</summary>
    public int Count(Func<int, string> name)
    {
        var count = 0;
        while (count < Most && Has(name(count))) count++;
        return count;
    }
}

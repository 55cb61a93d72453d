namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>The pieces of a vocabulary by their bytes, to be walked byte by byte.</summary>
sealed class PieceTrie
{
    /// <summary>The node where every piece begins.</summary>
    public const int Root = 0;

    /// <summary>What <see cref="Next"/> gives where no piece goes on, and <see cref="IdAt"/> where none ends.</summary>
    public const int None = -1;

    readonly Dictionary<long, int> edges = [];
    readonly List<int> ids = [None];

    /// <summary>Whether there is no piece.</summary>
    public bool IsEmpty => edges.Count == 0;

    /// <summary>Adds a piece; false where it is there already.</summary>
    public bool TryAdd(ReadOnlySpan<byte> piece, int id)
    {
        var node = Root;
        foreach (var value in piece)
        {
            if (edges.TryGetValue(Edge(node, value), out var next))
            {
                node = next;
                continue;
            }
            edges.Add(Edge(node, value), ids.Count);
            node = ids.Count;
            ids.Add(None);
        }
        if (ids[node] != None) return false;
        ids[node] = id;
        return true;
    }

    /// <summary>The node behind a byte, or <see cref="None"/>.</summary>
    public int Next(int node, byte value) => edges.TryGetValue(Edge(node, value), out var next) ? next : None;

    /// <summary>The node behind some bytes, or <see cref="None"/>.</summary>
    public int Walk(int node, ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length && node != None; i++) node = Next(node, bytes[i]);
        return node;
    }

    /// <summary>The id of the piece that ends at a node, or <see cref="None"/>.</summary>
    public int IdAt(int node) => node == None ? None : ids[node];

    /// <summary>The length of the longest piece that the bytes begin with, 0 where there is none.</summary>
    public int LongestPrefix(ReadOnlySpan<byte> bytes)
    {
        int longest = 0, node = Root;
        for (var i = 0; i < bytes.Length; i++)
        {
            node = Next(node, bytes[i]);
            if (node == None) break;
            if (ids[node] != None) longest = i + 1;
        }
        return longest;
    }

    static long Edge(int node, byte value) => ((long)node << 8) | value;
}

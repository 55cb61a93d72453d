namespace PeaEngine.Backends;

/// <summary>The right matrix of a product, [depth, columns], handed out in packed panels: weights either way round, or gathered from an image.</summary>
unsafe interface IGemmColumns
{
    /// <summary>How many columns.</summary>
    int Count { get; }

    /// <summary>The depth: the length of the sums.</summary>
    int Length { get; }

    /// <summary>Packs one panel; columns that the matrix does not have become zeros.</summary>
    /// <param name="column">The matrix's column that is the panel's first.</param>
    /// <param name="columns">Columns that the matrix has.</param>
    /// <param name="k">The first of the depth.</param>
    /// <param name="depth">How much of it.</param>
    /// <param name="panel">[depth, G.Columns]</param>
    void Pack<G, S, V>(int column, int columns, int k, int depth, float* panel) where G : struct, IGemmKernel where S : struct, ISimd<V> where V : unmanaged;
}

using System.Runtime.CompilerServices;

namespace PeaEngine;

/// <summary>The extents of a tensor, at most four, outermost first: <c>Shape s = [batch, height, width, channels];</c></summary>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public readonly struct Shape : IEquatable<Shape>
{
    /// <summary>The largest number of dimensions.</summary>
    public const int MaxRank = 4;

    readonly int d0, d1, d2, d3;

    Shape(ReadOnlySpan<int> extents)
    {
        Rank = extents.Length;
        (d0, d1, d2, d3) = (1, 1, 1, 1);
        if (Rank > 0) d0 = extents[0];
        if (Rank > 1) d1 = extents[1];
        if (Rank > 2) d2 = extents[2];
        if (Rank > 3) d3 = extents[3];
    }

    /// <summary>A shape of these extents.</summary>
    /// <exception cref="PeaException">More than four extents, or a negative one.</exception>
    public static Shape Create(ReadOnlySpan<int> extents)
    {
        if (extents.Length > MaxRank) throw new PeaException($"shape: {extents.Length} dimensions, expected at most {MaxRank}");
        foreach (var extent in extents)
            if (extent < 0) throw new PeaException($"shape: extent {extent}, expected 0 or more");
        return new Shape(extents);
    }

    /// <summary>The number of dimensions, 0 for a scalar.</summary>
    public int Rank { get; }

    /// <summary>The extent of a dimension; negative counts from the last, as in <c>shape[-1]</c>.</summary>
    public int this[int dimension]
    {
        get
        {
            var index = dimension < 0 ? Rank + dimension : dimension;
            if ((uint)index >= (uint)Rank) throw new PeaException($"shape {this}: no dimension {dimension}");
            return index switch { 0 => d0, 1 => d1, 2 => d2, _ => d3 };
        }
    }

    /// <summary>The number of elements.</summary>
    public long Elements => (long)d0 * d1 * d2 * d3;

    /// <summary>The product of all extents but the last: the rows of a matrix of <c>[..., columns]</c>.</summary>
    public int Rows => Rank == 0 ? 1 : checked((int)(this[-1] == 0 ? 0 : Elements / this[-1]));

    /// <summary>The extents, outermost first.</summary>
    public IEnumerator<int> GetEnumerator()
    {
        for (var i = 0; i < Rank; i++) yield return this[i];
    }

    /// <summary>The same shape with another last extent.</summary>
    public Shape WithLast(int extent) => Rank switch
    {
        1 => [extent],
        2 => [d0, extent],
        3 => [d0, d1, extent],
        4 => [d0, d1, d2, extent],
        _ => throw new PeaException("shape []: a scalar has no last dimension"),
    };

    /// <inheritdoc/>
    public bool Equals(Shape other) => Rank == other.Rank && d0 == other.d0 && d1 == other.d1 && d2 == other.d2 && d3 == other.d3;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Rank, d0, d1, d2, d3);

    /// <summary>Whether rank and extents agree.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Whether rank or an extent differs.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    /// <summary>As in <c>[2,64,64,320]</c>.</summary>
    public override string ToString() => "[" + string.Join(',', Rank switch
    {
        0 => [],
        1 => [d0],
        2 => [d0, d1],
        3 => [d0, d1, d2],
        _ => new[] { d0, d1, d2, d3 },
    }) + "]";
}

using PeaEngine.Randomness;

namespace PeaEngine.Tests.Ops;

public class NormalsTests : OpTests<NormalsTests>, IOpCases
{
    const ulong Seed = 0x9876543210abcdef;

    const uint Stream = 0x80000001;

    // Rows that end anywhere in a block of 16 and of a thread's part, none, and such as latents have; positions whose halves both count.
    public static IEnumerable<OpCase> Cases =>
        from shape in (Shape[])[[1, 1], [2, 15], [1, 16], [3, 17], [5, 40], [2, 1024], [1, 2060], [3, 4, 16, 16], [0, 16]] select Case(shape);

    // The same numbers to the bit, wherever they are drawn.
    static OpCase Case(Shape shape) => new($"{shape}", 0, fenced =>
    {
        ulong[] positions = [.. Enumerable.Range(0, shape[0]).Select(i => (ulong)i * 0x100000003 + 7)];
        Tensor at = fenced.New([shape[0]], DType.U64), y = fenced.New(shape);
        positions.CopyTo(at.AsSpan<ulong>());
        return new(() => fenced.Backend.Normals(Seed, Stream, at, y), y, [.. positions.SelectMany(position => Draw(position, (int)(shape.Elements / shape[0])))]);
    });

    static IEnumerable<double> Draw(ulong position, int count)
    {
        var values = new float[count];
        new Philox(Seed, Stream, position).Normals(values);
        return values.Select(value => (double)value);
    }
}

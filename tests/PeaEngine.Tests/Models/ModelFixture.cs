namespace PeaEngine.Tests.Models;

/// <summary>A backend and an arena for one test, and golden tensors moved in and out of them.</summary>
sealed class ModelFixture : IDisposable
{
    [ThreadStatic]
    static Func<Backend>? other;

    readonly Arena arena;

    public ModelFixture(long arenaBytes = 64 << 20)
    {
        Backend = Open();
        arena = new(Backend, arenaBytes);
        Pass = new(Backend, arena);
    }

    /// <summary>A backend for a test: the CPU's, or the one that <see cref="With"/> says.</summary>
    public static Backend Open() => other?.Invoke() ?? Device.Open("cpu", 2);

    /// <summary>Runs a test whose fixtures have another backend than the CPU's.</summary>
    public static void With(Func<Backend> open, Action test)
    {
        other = open;
        try
        {
            test();
        }
        finally
        {
            other = null;
        }
    }

    public Backend Backend { get; }

    public Pass Pass { get; }

    /// <summary>A pass over the same arena that a backward pass may follow.</summary>
    public Pass Saving(Gradients? gradients = null) => Pass.Saving(gradients);

    /// <summary>A tensor of these values at the arena's scratch end: an activation, unless a type is named.</summary>
    public Tensor Upload(Shape shape, ReadOnlySpan<float> values, DType? dtype = null)
    {
        var tensor = Pass.New(shape, dtype);
        Backend.Upload(values, tensor);
        return tensor;
    }

    /// <summary>A golden [B, C, H, W] as [B, H, W, C].</summary>
    public Tensor UploadImage(GoldenTensor golden) =>
        Upload([golden.Shape[0], golden.Shape[2], golden.Shape[3], golden.Shape[1]], golden.ChannelsLast());

    /// <summary>A golden tensor in its own layout.</summary>
    public Tensor Upload(GoldenTensor golden, DType? dtype = null) => Upload(Shape.Create(golden.Shape), golden.Values, dtype);

    /// <summary>The values of a tensor.</summary>
    public float[] Download(Tensor tensor)
    {
        var values = new float[tensor.Elements];
        Backend.Download(tensor, values);
        return values;
    }

    /// <summary>Compares a [B, H, W, C] with a golden [B, C, H, W].</summary>
    public void AssertImage(GoldenTensor expected, Tensor actual)
    {
        Assert.Equal([expected.Shape[0], expected.Shape[2], expected.Shape[3], expected.Shape[1]], actual.Shape);
        // Sums in another order than the reference's: 1e-4 of the largest value, the golden files' own bound.
        GoldenTensors.AssertClose(expected.Name, expected.ChannelsLast(), Download(actual));
    }

    public void Dispose()
    {
        arena.Dispose();
        Backend.Dispose();
    }
}

using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Lora;

/// <summary>Adds the changes of one file to weights, on the backend; its memory serves all of them.</summary>
sealed class LoraFusion : IDisposable
{
    readonly LoraFile file;
    readonly float[] values, turned;

    /// <summary>Takes the memory of the largest change.</summary>
    public LoraFusion(Backend backend, LoraFile file)
    {
        this.file = file;
        var largest = file.Changes.Max(change => change.Tensors.Max(info => info.Elements));
        (values, turned) = (new float[largest], new float[largest]);
        Pass = new(backend, new(backend, file.Changes.Max(change => change.Bytes)));
    }

    /// <summary>Where changes are uploaded to.</summary>
    public Pass Pass { get; }

    /// <summary>weight += scale · the change, in F32, which the weight then is.</summary>
    /// <exception cref="PeaException">The file cannot be read, or there is no memory.</exception>
    public void Add(LoraChange change, Weight weight, double scale)
    {
        using var scope = Pass.Scratch();
        change.AddTo(weight.Widen(Pass.Backend), scale, this);
    }

    /// <summary>A tensor of the file as a matrix, [its first extent, the product of the others], F32 and in the backend's order: a convolution's inputs come last.</summary>
    /// <param name="info">Which tensor.</param>
    /// <param name="inputs">Its second extent, where the others are a convolution's taps.</param>
    /// <exception cref="PeaException">The file cannot be read.</exception>
    public Tensor Upload(TensorInfo info, int inputs)
    {
        int rows = (int)info.Shape[0], columns = (int)(info.Elements / rows);
        var tensor = Pass.New([rows, columns], DType.F32);
        var read = values.AsSpan(0, rows * columns);
        file.Read(info, read);
        if (columns == inputs) Pass.Backend.Upload(read, tensor);
        else
        {
            Turn(read, turned, inputs, columns / inputs);
            Pass.Backend.Upload(turned.AsSpan(0, read.Length), tensor);
        }
        return tensor;
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose() => Pass.Arena.Dispose();

    /// <summary>[rows, inputs, taps], a convolution as files have it, to [rows, taps, inputs].</summary>
    static void Turn(ReadOnlySpan<float> from, Span<float> to, int inputs, int taps)
    {
        for (var row = 0; row < from.Length; row += inputs * taps)
            for (var tap = 0; tap < taps; tap++)
                for (var input = 0; input < inputs; input++) to[row + tap * inputs + input] = from[row + input * taps + tap];
    }
}

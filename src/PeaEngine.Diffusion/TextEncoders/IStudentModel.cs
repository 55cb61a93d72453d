namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>A text encoder whose last hidden state conditions a picture through an adapter.</summary>
interface IStudentModel : IDisposable
{
    /// <summary>The channels of the last hidden state.</summary>
    int HiddenSize { get; }

    /// <summary>The most tokens of a sequence; null where the architecture sets no limit.</summary>
    int? MaxTokens { get; }

    /// <summary>Every tensor of its weights, by key.</summary>
    IReadOnlyDictionary<string, Tensor> Parameters { get; }

    /// <summary>The bytes of its weights.</summary>
    long WeightBytes { get; }

    /// <summary>The last hidden state [batch, tokens, HiddenSize].</summary>
    /// <param name="p">The pass.</param>
    /// <param name="ids">[batch, tokens], row by row.</param>
    /// <param name="mask">[batch, tokens]: 0 for padding, which no token sees.</param>
    /// <param name="batch">The number of rows.</param>
    Tensor Forward(Pass p, ReadOnlySpan<int> ids, ReadOnlySpan<byte> mask, int batch);

    /// <summary>The backward pass of <see cref="Forward"/>, over what that left in the same pass.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="dState">[batch, tokens, HiddenSize]: the gradient of the last hidden state.</param>
    void Backward(Pass p, Tensor dState);
}

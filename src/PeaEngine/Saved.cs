namespace PeaEngine;

/// <summary>
/// What a forward pass leaves for the backward pass that follows it: tensors at the arena's kept end, on a stack, since backward goes
/// through the layers the opposite way. It belongs to the pass and not to the layers, so that one frozen model serves teacher and student
/// in the same step.
/// </summary>
public sealed class Saved
{
    readonly Stack<Tensor> tensors = new();

    /// <summary>How many there are; none after a backward pass.</summary>
    public int Count => tensors.Count;

    /// <summary>Leaves a tensor.</summary>
    public void Push(Tensor tensor) => tensors.Push(tensor);

    /// <summary>Takes the tensor that was left last.</summary>
    /// <exception cref="PeaException">There is none: backward is not the mirror of forward.</exception>
    public Tensor Pop() => tensors.TryPop(out var tensor) ? tensor : throw new PeaException("saved: nothing is left, expected a backward pass that takes what its forward pass left");
}

namespace PeaEngine.Train.Distillation;

/// <summary>A pass that is to be made.</summary>
/// <param name="part">Its samples.</param>
/// <param name="order">The order of computation.</param>
/// <param name="inputs">Where its inputs lie.</param>
sealed class PreparedPass(DistillationBatch part, int[] order, DistillationInputs inputs)
{
    public DistillationBatch Part { get; } = part;

    public int[] Order { get; } = order;

    public DistillationInputs Inputs { get; } = inputs;

    /// <summary>Where they begin in what was sent.</summary>
    public int Offset { get; set; }
}

/// <summary>The way of whole batches to a backend, all passes at once.</summary>
/// <param name="backend">Where they are computed.</param>
sealed class BatchFeed(Backend backend) : IDisposable
{
    Feed? feed;
    int capacity;

    /// <summary>Sends the passes' inputs; those that were sent before have been taken, or are not wanted any more.</summary>
    public void Send(IReadOnlyList<PreparedPass> passes, UnconditionalText unconditional, IReadOnlyList<float> alphasCumprod)
    {
        var bytes = 0;
        foreach (var pass in passes)
        {
            pass.Offset = bytes;
            bytes = checked(bytes + pass.Inputs.Bytes);
        }
        if (feed == null || capacity < bytes)
        {
            feed?.Dispose();
            (feed, capacity) = (backend.OpenFeed(bytes), bytes);
        }
        var host = feed.Host;
        foreach (var pass in passes) pass.Inputs.Pack(pass.Part, pass.Order, unconditional, alphasCumprod, host.Slice(pass.Offset, pass.Inputs.Bytes));
        feed.Send(bytes);
    }

    /// <summary>Takes a pass's inputs into its memory.</summary>
    public void Take(PreparedPass pass) => feed!.Take(pass.Offset, pass.Inputs.Memory);

    /// <summary>Ends it.</summary>
    public void Dispose() => feed?.Dispose();
}

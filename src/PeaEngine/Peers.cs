namespace PeaEngine;

/// <summary>Processes that compute on parts of the same data, each with a backend of its own, as one of them sees them. Whatever one of them calls here, all call, in the same order.</summary>
public interface IPeers
{
    /// <summary>Which one this is, from 0.</summary>
    int Rank { get; }

    /// <summary>How many there are.</summary>
    int Count { get; }

    /// <summary>Replaces the values by their sums over all processes, the same bits for each.</summary>
    void Sum(Span<float> values);

    /// <inheritdoc cref="Sum(Span{float})"/>
    void Sum(Span<double> values);
}

/// <summary>Sums of tensors over processes: see <see cref="Backend.SumOver"/>.</summary>
public abstract class PeerSum : IDisposable
{
    /// <summary>Replaces a tensor's values by their sums over all processes, the same bits for each.</summary>
    /// <param name="values">F32</param>
    public abstract void Run(Tensor values);

    /// <summary>Parts from the others; tensors stay.</summary>
    public abstract void Dispose();
}

/// <summary>Sums of what lies in the host's memory.</summary>
sealed class HostSum(IPeers peers) : PeerSum
{
    public override void Run(Tensor values) => peers.Sum(values.AsSpan<float>());

    public override void Dispose() { }
}

using System.Diagnostics;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.VirtualGpu.Driver;

/// <summary>Something that a stream does, or a graph's node.</summary>
readonly record struct Work(CUgraphNodeType Kind, Action Run);

/// <summary>A graph: work in the order in which it was captured.</summary>
sealed class VirtualGraph
{
    public List<Work> Nodes { get; } = [];

    /// <summary>Whether something was called that a graph cannot hold.</summary>
    public bool IsBroken { get; set; }
}

/// <summary>A point in a stream's work, and when it was passed.</summary>
sealed class VirtualEvent
{
    public VirtualStream? Stream { get; set; }
    public long Position { get; set; }
    public long Timestamp { get; set; }

    /// <summary>Does what the event waits for.</summary>
    public void Synchronize() => Stream?.Run(Position);
}

/// <summary>Work that waits in its order until somebody needs it done, or, where the test wants that, is done the moment it is given.</summary>
sealed class VirtualStream(VirtualContext context)
{
    /// <summary>So much may wait: the oldest work is done then.</summary>
    const int MostWaiting = 4096;

    readonly Queue<Work> waiting = [];
    long done;

    public VirtualContext Context { get; } = context;

    /// <summary>Whether nothing waits.</summary>
    public bool IsHasty { get; set; }

    /// <summary>The graph that work goes to instead.</summary>
    public VirtualGraph? Capture { get; set; }

    public void Add(CUgraphNodeType kind, Action run)
    {
        if (Capture is { } graph)
        {
            graph.Nodes.Add(new(kind, run));
            return;
        }
        waiting.Enqueue(new(kind, run));
        if (IsHasty) Run();
        else if (waiting.Count > MostWaiting) Run(done + MostWaiting / 2);
    }

    /// <summary>Marks the end of the work so far.</summary>
    public void Record(VirtualEvent mark)
    {
        (mark.Stream, mark.Position) = (this, done + waiting.Count + 1);
        Add(CUgraphNodeType.CU_GRAPH_NODE_TYPE_EVENT_RECORD, () => mark.Timestamp = Stopwatch.GetTimestamp());
    }

    /// <summary>Later work of this stream waits for what another's event marks now.</summary>
    public void Wait(VirtualEvent mark)
    {
        if (mark.Stream is not { } other || other == this) return;
        var position = mark.Position;
        Add(CUgraphNodeType.CU_GRAPH_NODE_TYPE_WAIT_EVENT, () => other.Run(position));
    }

    public void Run() => Run(done + waiting.Count);

    /// <summary>Does the work up to a position. What it waits for in other streams was given before, so that this comes to an end.</summary>
    public void Run(long position)
    {
        while (done < position && waiting.TryDequeue(out var work))
        {
            done++;
            work.Run();
        }
    }
}

using System.Runtime.InteropServices;
using PeaEngine.Cuda.Sys;
using Table = PeaEngine.Cuda.Sys.Driver;

namespace PeaEngine.VirtualGpu.Driver;

/// <summary>Graphs, captured from one stream.</summary>
public static unsafe partial class VirtualDriver
{
    static nint? OfGraphs(string name) => name switch
    {
        nameof(Table.cuStreamBeginCapture) => (nint)(delegate* unmanaged<CUstream, int, CUresult>)&cuStreamBeginCapture,
        nameof(Table.cuStreamEndCapture) => (nint)(delegate* unmanaged<CUstream, CUgraph*, CUresult>)&cuStreamEndCapture,
        nameof(Table.cuGraphGetNodes) => (nint)(delegate* unmanaged<CUgraph, CUgraphNode*, nuint*, CUresult>)&cuGraphGetNodes,
        nameof(Table.cuGraphNodeGetType) => (nint)(delegate* unmanaged<CUgraphNode, CUgraphNodeType*, CUresult>)&cuGraphNodeGetType,
        nameof(Table.cuGraphInstantiateWithFlags) => (nint)(delegate* unmanaged<CUgraphExec*, CUgraph, ulong, CUresult>)&cuGraphInstantiateWithFlags,
        nameof(Table.cuGraphLaunch) => (nint)(delegate* unmanaged<CUgraphExec, CUstream, CUresult>)&cuGraphLaunch,
        nameof(Table.cuGraphExecDestroy) => (nint)(delegate* unmanaged<CUgraphExec, CUresult>)&cuGraphExecDestroy,
        nameof(Table.cuGraphDestroy) => (nint)(delegate* unmanaged<CUgraph, CUresult>)&cuGraphDestroy,
        _ => null,
    };

    sealed record Executable(IReadOnlyList<Work> Nodes);

    [UnmanagedCallersOnly]
    static CUresult cuStreamBeginCapture(CUstream stream, int mode) => InContext(_ =>
    {
        var captured = Registry.Get<VirtualStream>(stream);
        if (captured.Capture is not null) throw new CallException(CUresult.CUDA_ERROR_INVALID_VALUE, "the stream is captured already");
        captured.Capture = new();
    });

    [UnmanagedCallersOnly]
    static CUresult cuStreamEndCapture(CUstream stream, CUgraph* graph) => InContext(_ =>
    {
        *graph = 0;
        var captured = Registry.Get<VirtualStream>(stream);
        var ended = captured.Capture ?? throw new CallException(CUresult.CUDA_ERROR_INVALID_VALUE, "the stream is not captured");
        captured.Capture = null;
        if (ended.IsBroken) throw new CallException(CUresult.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "something was called that a graph cannot hold");
        *graph = Registry.Add(ended);
    });

    [UnmanagedCallersOnly]
    static CUresult cuGraphGetNodes(CUgraph graph, CUgraphNode* nodes, nuint* count) => Safely(() =>
    {
        var found = Registry.Get<VirtualGraph>(graph).Nodes;
        // A node's handle lives as long as its graph: it is made of the graph's and the node's number.
        if (nodes != null) for (var k = 0; k < (int)Math.Min(*count, (nuint)found.Count); k++) nodes[k] = graph << 24 | (nint)k;
        *count = (nuint)found.Count;
    });

    [UnmanagedCallersOnly]
    static CUresult cuGraphNodeGetType(CUgraphNode node, CUgraphNodeType* type) => Safely(() => *type = Registry.Get<VirtualGraph>(node >> 24).Nodes[(int)(node & 0xFFFFFF)].Kind);

    [UnmanagedCallersOnly]
    static CUresult cuGraphInstantiateWithFlags(CUgraphExec* executable, CUgraph graph, ulong flags) => InContext(_ => *executable = Registry.Add(new Executable([.. Registry.Get<VirtualGraph>(graph).Nodes])));

    [UnmanagedCallersOnly]
    static CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) => InContext(_ =>
    {
        var (graph, into) = (Registry.Get<Executable>(executable), Registry.Get<VirtualStream>(stream));
        foreach (var work in graph.Nodes) into.Add(work.Kind, work.Run);
    });

    [UnmanagedCallersOnly]
    static CUresult cuGraphExecDestroy(CUgraphExec executable) => Safely(() => Registry.Remove<Executable>(executable));

    [UnmanagedCallersOnly]
    static CUresult cuGraphDestroy(CUgraph graph) => Safely(() => Registry.Remove<VirtualGraph>(graph));
}

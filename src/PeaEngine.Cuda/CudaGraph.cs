using PeaEngine.Cuda.Sys;

namespace PeaEngine.Cuda;

/// <summary>Work that was recorded once and is given to a stream as a whole, as often as wanted: same kernels, same addresses, whatever lies there then.</summary>
public sealed unsafe class CudaGraph : CudaResource
{
    readonly CUgraphExec handle;

    internal CudaGraph(CudaContext context, CUgraph graph) : base(context)
    {
        var driver = context.Driver;
        try
        {
            Nodes = Count(context, graph);
            foreach (var (kind, count) in Nodes)
                if (kind is not (CUgraphNodeType.CU_GRAPH_NODE_TYPE_KERNEL or CUgraphNodeType.CU_GRAPH_NODE_TYPE_MEMSET or CUgraphNodeType.CU_GRAPH_NODE_TYPE_MEMCPY))
                    throw new CudaException($"cuda: {count} of {kind} in a graph, expected kernels, fills and copies only");
            CUgraphExec executable;
            context.Check(driver.cuGraphInstantiateWithFlags(&executable, graph, 0), nameof(driver.cuGraphInstantiateWithFlags));
            handle = executable;
        }
        finally
        {
            driver.cuGraphDestroy(graph);
        }
        Own();
    }

    /// <summary>How much there is of each kind of work.</summary>
    internal IReadOnlyDictionary<CUgraphNodeType, int> Nodes { get; }

    /// <summary>Does the work in a stream's order.</summary>
    public void Launch(CudaStream stream)
    {
        Context.Bind();
        Context.Check(Context.Driver.cuGraphLaunch(handle, stream.Handle), nameof(Driver.cuGraphLaunch));
    }

    private protected override void Destroy() => Context.Driver.cuGraphExecDestroy(handle);

    static Dictionary<CUgraphNodeType, int> Count(CudaContext context, CUgraph graph)
    {
        var driver = context.Driver;
        nuint count = 0;
        context.Check(driver.cuGraphGetNodes(graph, null, &count), nameof(driver.cuGraphGetNodes));
        var nodes = new CUgraphNode[count];
        if (count > 0)
            fixed (CUgraphNode* pointer = nodes) context.Check(driver.cuGraphGetNodes(graph, pointer, &count), nameof(driver.cuGraphGetNodes));
        var kinds = new Dictionary<CUgraphNodeType, int>();
        foreach (var node in nodes)
        {
            CUgraphNodeType kind;
            context.Check(driver.cuGraphNodeGetType(node, &kind), nameof(driver.cuGraphNodeGetType));
            kinds[kind] = kinds.GetValueOrDefault(kind) + 1;
        }
        return kinds;
    }
}

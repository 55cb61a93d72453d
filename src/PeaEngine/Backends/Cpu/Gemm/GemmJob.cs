namespace PeaEngine.Backends;

/// <summary>
/// A matrix product, rows · columns, by tasks. A task packs the weights of its columns a block of depth at a time; twelve or so
/// packed rows then stay in the first-level cache while the panels stream by (after Goto and van de Geijn, "Anatomy of
/// High-Performance Matrix Multiplication", with the roles of the sides exchanged: the rows are gathered once a task).
/// Each output is the same sum in the same order wherever the tasks' edges lie.
/// </summary>
readonly unsafe struct GemmJob<TRows, TColumns, G, S, V>(TRows source, TColumns weights, GemmEpilogue epilogue, int rows, GemmPlan plan, CpuWorkspace[] workspaces) : IParallelJob
    where TRows : struct, IGemmRows where TColumns : struct, IGemmColumns where G : struct, IGemmKernel where S : struct, ISimd<V> where V : unmanaged
{
    // Rows that begin an odd number of cache lines apart fall into different sets.
    nint PackedStride => ((plan.Depth + 15) / 32 * 32) + 16;

    int Parts => epilogue.Gated ? 2 : 1;

    int Columns => weights.Count / Parts;

    public void Run(int index, int worker)
    {
        int rowTask = index % plan.RowTasks, columnTask = index / plan.RowTasks;
        int firstRow = rowTask * plan.TaskRows, lastRow = Math.Min(rows, firstRow + plan.TaskRows);
        int firstColumn = columnTask * plan.TaskColumns, lastColumn = Math.Min(Columns, firstColumn + plan.TaskColumns);
        int panels = (lastColumn - firstColumn + G.Columns - 1) / G.Columns * Parts, tile = G.Rows * G.Columns;
        nint panelsSize = (nint)panels * plan.Depth * G.Columns, rowsSize = G.Rows * PackedStride;
        // Tiles that cannot wait in the output between two blocks of depth wait here.
        nint waitingSize = plan.DepthBlocks == 1 ? Parts * tile : (nint)((lastRow - firstRow + G.Rows - 1) / G.Rows) * panels * tile;
        var packedPanels = (float*)workspaces[worker].Get((panelsSize + rowsSize + waitingSize) * sizeof(float));
        var waiting = packedPanels + panelsSize;
        var packedRows = waiting + waitingSize;
        for (var block = 0; block < plan.DepthBlocks; block++)
        {
            int k = block * plan.Depth, depth = Math.Min(plan.Depth, weights.Length - k);
            for (var panel = 0; panel < panels; panel++)
            {
                var column = firstColumn + panel / Parts * G.Columns;
                weights.Pack<G, S, V>(column + panel % Parts * Columns, Math.Min(G.Columns, lastColumn - column), k, depth,
                    packedPanels + (nint)panel * depth * G.Columns);
            }
            for (var row = firstRow; row < lastRow; row += G.Rows)
            {
                int count = Math.Min(G.Rows, lastRow - row), tileRows = G.TileRows(count);
                source.Pack(row, count, k, depth, packedRows, PackedStride);
                var slot = plan.DepthBlocks == 1 ? waiting : waiting + (nint)((row - firstRow) / G.Rows) * panels * tile;
                for (var panel = 0; panel < panels; panel += Parts)
                {
                    int column = firstColumn + panel / Parts * G.Columns, width = Math.Min(G.Columns, lastColumn - column);
                    // Rows lie far apart in memory; the next ones come while these are multiplied.
                    source.Fetch(row + G.Rows, Math.Min(G.Rows, lastRow - row - G.Rows), k, depth, panel / Parts, panels / Parts);
                    var direct = epilogue.CanWaitInOutput && width == G.Columns && tileRows == count;
                    var product = direct ? epilogue.At(row, column) : plan.DepthBlocks == 1 ? slot : slot + (nint)panel * tile;
                    var stride = direct ? epilogue.Stride : G.Columns;
                    for (var part = 0; part < Parts; part++)
                        G.Multiply(tileRows, packedRows, PackedStride, packedPanels + (nint)(panel + part) * depth * G.Columns, depth,
                            product + part * tile, stride, block > 0, packedRows);
                    if (block == plan.DepthBlocks - 1 && !(direct && epilogue.IsEmpty))
                        epilogue.Finish<S, V>(row, count, column, width, product, product + tile, stride);
                }
            }
        }
    }
}

namespace PeaEngine.Backends;

/// <summary>How a product is cut: depth into blocks, rows and columns into tasks. Only the depth's blocks touch the results' bits.</summary>
readonly struct GemmPlan
{
    /// <summary>
    /// The most depth of a block: twelve packed rows of it (18 KB) lie in the first-level cache beside the panel that streams by,
    /// and the sums are long enough that storing them costs nothing.
    /// </summary>
    const int MaxDepth = 384;

    /// <summary>The most columns of a task: 384 × 384 packed weights (576 KB) lie in the second-level cache.</summary>
    const int MaxColumns = 384;

    /// <summary>The most rows of a task, so that partial sums that must wait outside of the output stay small.</summary>
    const int MaxRows = 2016;

    /// <summary>Depth blocks are whole numbers of this, the widest step of <see cref="WeightColumns"/>.</summary>
    const int DepthStep = 32;

    /// <summary>
    /// Costs in clocks, measured: a multiply-add is one 16th, packing an element of the weights 0.6, packing a row's element 0.1,
    /// and a task that does not start at once 5000. On other instruction sets the clocks differ, their ratios little.
    /// </summary>
    const double MultiplyAdd = 1.0 / 16, PackWeight = 0.6, PackRow = 0.1, TaskStart = 5000;

    /// <summary>A plan for [rows, depth] · [depth, columns].</summary>
    /// <param name="rows">Rows of the product.</param>
    /// <param name="columns">Columns of the product.</param>
    /// <param name="depth">The length of the sums.</param>
    /// <param name="parts">Weight rows per column: 1, or 2 for a gated product.</param>
    /// <param name="threads">Threads to keep busy.</param>
    /// <param name="tileRows">Rows of a tile.</param>
    /// <param name="tileColumns">Columns of a tile.</param>
    public GemmPlan(int rows, int columns, int depth, int parts, int threads, int tileRows, int tileColumns)
    {
        DepthBlocks = (depth + MaxDepth - 1) / MaxDepth;
        Depth = DepthBlocks == 1 ? depth : RoundUp((depth + DepthBlocks - 1) / DepthBlocks, DepthStep);
        DepthBlocks = (depth + Depth - 1) / Depth;
        int mostColumns = Math.Max(tileColumns, MaxColumns / parts / tileColumns * tileColumns), mostRows = MaxRows / tileRows * tileRows;
        int fewestColumnTasks = (columns + mostColumns - 1) / mostColumns, fewestRowTasks = (rows + mostRows - 1) / mostRows;
        var best = double.MaxValue;
        for (var columnTasks = fewestColumnTasks; columnTasks <= fewestColumnTasks + threads; columnTasks++)
        {
            var taskColumns = RoundUp((columns + columnTasks - 1) / columnTasks, tileColumns);
            var columnCount = (columns + taskColumns - 1) / taskColumns;
            for (var rowTasks = fewestRowTasks; rowTasks <= fewestRowTasks + threads; rowTasks++)
            {
                var taskRows = RoundUp((rows + rowTasks - 1) / rowTasks, tileRows);
                var tasks = (rows + taskRows - 1) / taskRows * columnCount;
                double work = Math.Min(taskRows, rows), width = (double)taskColumns * parts;
                var task = depth * (work * width * MultiplyAdd + width * PackWeight + work * PackRow);
                var time = (tasks + threads - 1) / threads * task + (tasks > 1 ? TaskStart : 0);
                if (time >= best) continue;
                best = time;
                (TaskRows, TaskColumns, Tasks, RowTasks) = (taskRows, taskColumns, tasks, tasks / columnCount);
            }
        }
    }

    /// <summary>Depth of a block; the last may have less.</summary>
    public int Depth { get; }

    /// <summary>How many blocks the depth has.</summary>
    public int DepthBlocks { get; }

    /// <summary>Rows of a task; the last may have fewer.</summary>
    public int TaskRows { get; }

    /// <summary>Columns of a task, a whole number of tiles; the last may have fewer.</summary>
    public int TaskColumns { get; }

    /// <summary>Tasks in all.</summary>
    public int Tasks { get; }

    /// <summary>Tasks beside each other along the rows.</summary>
    public int RowTasks { get; }

    static int RoundUp(int value, int step) => (value + step - 1) / step * step;
}

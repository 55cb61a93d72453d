using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>
/// One block of queries of one head, against all its keys (FlashAttention-2, arXiv 2307.08691). Keys and values are packed a block
/// at a time; scores exist for a strip of queries and a block of keys, in the first cache. Scores are in units of log₂ e, so that the
/// softmax takes powers of two.
/// </summary>
unsafe struct AttentionJob : ISimdJob
{
    /// <summary>Queries that scores are kept for at a time: as many tiles as share a panel of keys while it is in the first cache.</summary>
    public const int Strip = 2 * Tile.Rows;

    /// <summary>Queries of an item at most: they share the work of packing the keys.</summary>
    public const int MaxBlock = 32 * Strip;

    /// <summary>Keys of a block: a multiple of two vectors on every instruction set.</summary>
    const int KeyBlock = 256;

    /// <summary>Terms that a panel of keys contributes at a time, where heads are deeper: 16 KiB of a panel.</summary>
    const int DepthBlock = 128;

    public const float Log2E = 1.44269504f;

    public CpuWorkspace[] Workspaces;
    public float* InputQ, InputK, InputV, Output, LogSumExp;
    public HeadMatrices Bias;
    public byte* KeyPadding;
    public int Queries, Keys, Heads, Depth, Columns, Block, Blocks;
    public float Scale;
    public bool Causal;

    /// <summary>A tile's six queries, interleaved.</summary>
    readonly struct QueryLayout : ITileLayout
    {
        public nint Row => 1;
        public nint Step => Tile.Rows;
    }

    /// <summary>Six rows of scores.</summary>
    readonly struct ScoreLayout : ITileLayout
    {
        public nint Row => KeyBlock;
        public nint Step => 1;
    }

    /// <summary>A thread's memory.</summary>
    ref struct Room
    {
        /// <summary>Scaled queries, [tiles, D, 6].</summary>
        public float* Queries;

        /// <summary>Panels of keys, [.., D, 2·Width or Width].</summary>
        public float* Keys;

        /// <summary>Panels of values, [.., KeyBlock, 2·Width or Width].</summary>
        public float* Values;

        /// <summary>[Strip, KeyBlock]</summary>
        public float* Scores;

        /// <summary>Unnormalised results, [block, D rounded up to Width].</summary>
        public float* Sums;

        /// <summary>The sums of the weights by vector lane, [block, Width].</summary>
        public float* Weights;

        /// <summary>The largest score so far, [block].</summary>
        public float* Maxima;

        /// <summary>What is added to the scores of the block of keys: 0, or −∞ where a key is not seen. [KeyBlock]</summary>
        public float* Hidden;

        public int PaddedDepth;
    }

    public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
    {
        int head = index / Blocks % Heads, batch = index / Blocks / Heads, first = index % Blocks * Block, rows = Math.Min(Block, Queries - first);
        var room = MakeRoom<S, V>(worker);
        var origin = (long)batch * Queries * Columns + (long)head * Depth;
        PackQueries(InputQ + origin + (long)first * Columns, rows, room);
        new Span<float>(room.Sums, Block * room.PaddedDepth).Clear();
        new Span<float>(room.Weights, Block * S.Width).Clear();
        new Span<float>(room.Maxima, Block).Fill(float.NegativeInfinity);

        var bias = Bias.At(batch, head);
        var visible = Causal ? Math.Min(Keys, first + rows) : Keys;
        for (var key = 0; key < visible; key += KeyBlock)
        {
            var count = Math.Min(KeyBlock, Keys - key);
            var from = ((long)batch * Keys + key) * Columns + (long)head * Depth;
            AttentionPacking.Keys<S, V>(InputK + from, Columns, count, Depth, room.Keys);
            AttentionPacking.Values<S, V>(InputV + from, Columns, count, Depth, KeyBlock, room.Values);
            var hidden = Hide<S, V>(batch, key, count, room.Hidden);
            for (var strip = 0; strip < rows; strip += Strip)
            {
                var stripRows = Math.Min(Strip, rows - strip);
                if (Causal && key > first + strip + stripRows - 1) continue;
                Score<S, V>(room, strip, stripRows, count);
                var rowBias = bias == null ? null : bias + (long)(first + strip) * Keys + key;
                for (var row = 0; row < stripRows; row++)
                {
                    var scores = room.Scores + row * KeyBlock;
                    if (rowBias != null) AddBias<S, V>(scores, rowBias + (long)row * Keys, count);
                    if (hidden) Add<S, V>(scores, room.Hidden, count);
                    var seen = first + strip + row + 1 - key;
                    if (Causal && seen < count) new Span<float>(scores + Math.Max(seen, 0), KeyBlock - Math.Max(seen, 0)).Fill(float.NegativeInfinity);
                    Weigh<S, V>(room, strip + row, scores, count);
                }
                Accumulate<S, V>(room, strip, stripRows, count);
            }
        }
        for (var row = 0; row < rows; row++)
        {
            AttentionPacking.Prefetch(Output + origin + (long)(first + row + AttentionPacking.RowsAhead) * Columns, Depth);
            Finish<S, V>(room, row, Output + origin + (long)(first + row) * Columns, ((long)batch * Heads + head) * Queries + first + row);
        }
    }

    readonly Room MakeRoom<S, V>(int worker) where S : struct, ISimd<V> where V : unmanaged
    {
        var padded = (Depth + S.Width - 1) / S.Width * S.Width;
        long block = Block, queries = block * Depth, keys = (long)KeyBlock * Depth, values = (long)KeyBlock * padded, sums = block * padded, weights = block * S.Width;
        // Everything begins at a cache line.
        long At(ref long used, long elements)
        {
            var at = used;
            used += (elements + 15) & ~15L;
            return at;
        }
        long total = 0, q = At(ref total, queries), k = At(ref total, keys), v = At(ref total, values), s = At(ref total, Strip * KeyBlock), o = At(ref total, sums);
        long w = At(ref total, weights), m = At(ref total, block), h = At(ref total, KeyBlock);
        var room = (float*)Workspaces[worker].Get(total * sizeof(float));
        return new()
        {
            Queries = room + q,
            Keys = room + k,
            Values = room + v,
            Scores = room + s,
            Sums = room + o,
            Weights = room + w,
            Maxima = room + m,
            Hidden = room + h,
            PaddedDepth = padded,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void PackQueries(float* from, int rows, in Room room)
    {
        var factor = Scale * Log2E;
        for (var row = 0; row < (rows + Tile.Rows - 1) / Tile.Rows * Tile.Rows; row++)
        {
            var to = room.Queries + (long)(row / Tile.Rows) * Tile.Rows * Depth + row % Tile.Rows;
            var source = from + (long)row * Columns;
            AttentionPacking.Prefetch(source + AttentionPacking.RowsAhead * (long)Columns, Depth);
            for (var i = 0; i < Depth; i++) to[i * Tile.Rows] = row < rows ? source[i] * factor : 0;
        }
    }

    /// <summary>Whether some key of the block, or of the vector it ends in, is not seen by any query.</summary>
    readonly bool Hide<S, V>(int batch, int key, int count, float* hidden) where S : struct, ISimd<V> where V : unmanaged
    {
        var any = count % S.Width != 0;
        for (var i = 0; i < KeyBlock; i++)
        {
            var hide = i >= count || (KeyPadding != null && KeyPadding[(long)batch * Keys + key + i] == 0);
            hidden[i] = hide ? float.NegativeInfinity : 0;
            any |= hide && i < count;
        }
        return any;
    }

    /// <summary>scores = queries · keysᵀ for a strip. A panel of keys stays in the first cache for all tiles of the strip.</summary>
    readonly void Score<S, V>(in Room room, int strip, int rows, int count) where S : struct, ISimd<V> where V : unmanaged
    {
        var queries = room.Queries + (long)strip * Depth;
        for (var d = 0; d < Depth; d += DepthBlock)
        {
            var depth = Math.Min(DepthBlock, Depth - d);
            for (var key = 0; key < count; key += 2 * S.Width)
                for (var row = 0; row < rows; row += Tile.Rows)
                {
                    float* a = queries + (long)row * Depth + d * Tile.Rows, c = room.Scores + row * KeyBlock + key, b = room.Keys + (long)key * Depth;
                    if (count - key > S.Width) Tile.Wide<S, V, QueryLayout>(default, a, b + d * 2 * S.Width, 2 * S.Width, depth, c, KeyBlock, d > 0);
                    else Tile.Narrow<S, V, QueryLayout>(default, a, b + d * S.Width, S.Width, depth, c, KeyBlock, d > 0);
                }
        }
    }

    /// <summary>sums += weights · values for a strip.</summary>
    static void Accumulate<S, V>(in Room room, int strip, int rows, int count) where S : struct, ISimd<V> where V : unmanaged
    {
        for (var d = 0; d < room.PaddedDepth; d += 2 * S.Width)
            for (var row = 0; row < rows; row += Tile.Rows)
            {
                float* a = room.Scores + row * KeyBlock, b = room.Values + (long)d * KeyBlock, c = room.Sums + (long)(strip + row) * room.PaddedDepth + d;
                if (room.PaddedDepth - d > S.Width) Tile.Wide<S, V, ScoreLayout>(default, a, b, 2 * S.Width, count, c, room.PaddedDepth, true);
                else Tile.Narrow<S, V, ScoreLayout>(default, a, b, S.Width, count, c, room.PaddedDepth, true);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Add<S, V>(float* scores, float* hidden, int count) where S : struct, ISimd<V> where V : unmanaged
    {
        for (var i = 0; i < count; i += S.Width) S.Store(scores + i, S.Add(S.Load(scores + i), S.Load(hidden + i)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AddBias<S, V>(float* scores, float* bias, int count) where S : struct, ISimd<V> where V : unmanaged
    {
        for (var i = 0; i < count; i += S.Width)
            S.Store(scores + i, S.Fma(SimdBlock.Load<S, V>(bias + i, count - i), S.Create(Log2E), S.Load(scores + i)));
    }

    /// <summary>Scores of one query become weights relative to its largest score so far; what was summed before is brought to the same scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Weigh<S, V>(in Room room, int row, float* scores, int count) where S : struct, ISimd<V> where V : unmanaged
    {
        V m0 = S.Load(scores), m1 = m0;
        var i = S.Width;
        for (; i <= count - 2 * S.Width; i += 2 * S.Width)
        {
            m0 = S.Max(m0, S.Load(scores + i));
            m1 = S.Max(m1, S.Load(scores + i + S.Width));
        }
        for (; i < count; i += S.Width) m0 = S.Max(m0, S.Load(scores + i));
        float before = room.Maxima[row], largest = Math.Max(before, S.Max(S.Max(m0, m1)));
        var weights = room.Weights + row * S.Width;
        var sum = S.Load(weights);
        if (largest > before)
        {
            room.Maxima[row] = largest;
            if (before > float.NegativeInfinity)
            {
                var factor = VectorMath.Exp2<S, V>(S.Create(before - largest));
                sum = S.Mul(sum, factor);
                var sums = room.Sums + (long)row * room.PaddedDepth;
                for (var d = 0; d < room.PaddedDepth; d += S.Width) S.Store(sums + d, S.Mul(S.Load(sums + d), factor));
            }
        }
        // A query that has seen no key yet: its scores are −∞ and its weights become 0 relative to anything finite.
        var origin = S.Create(largest > float.NegativeInfinity ? largest : 0);
        for (i = 0; i < count; i += S.Width)
        {
            var weight = VectorMath.Exp2<S, V>(S.Sub(S.Load(scores + i), origin));
            S.Store(scores + i, weight);
            sum = S.Add(sum, weight);
        }
        S.Store(weights, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Finish<S, V>(in Room room, int row, float* y, long query) where S : struct, ISimd<V> where V : unmanaged
    {
        var total = S.Sum(S.Load(room.Weights + row * S.Width));
        if (LogSumExp != null) LogSumExp[query] = (float)((room.Maxima[row] + Math.Log2(total)) / Log2E);
        var factor = S.Create(total > 0 ? 1 / total : 0);
        var sums = room.Sums + (long)row * room.PaddedDepth;
        for (var d = 0; d < Depth; d += S.Width) SimdBlock.Store<S, V>(y + d, S.Mul(S.Load(sums + d), factor), Depth - d);
    }
}

using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>
/// The gradients of one head (FlashAttention-2, arXiv 2307.08691): of all of it, or of a block of its keys and values, or of a block of its
/// queries. A block of keys is packed and its gradients are kept while the queries pass by in strips; weights and their gradients exist
/// for a strip of queries and a span of keys, in the first cache.
/// </summary>
unsafe struct AttentionBackwardJob : ISimdJob
{
    /// <summary>Queries that weights are computed for at a time.</summary>
    public const int Strip = 4 * Tile.Rows;

    /// <summary>Keys that weights are computed for at a time: a multiple of a tile's rows, and of two vectors on every instruction set.</summary>
    public const int Span = 96;

    /// <summary>Queries of an item that has not all of them.</summary>
    public const int QueryBlock = 16 * Strip;

    /// <summary>Terms that a panel contributes at a time, where heads are deeper: 16 KiB of a panel.</summary>
    const int DepthBlock = 128;

    public CpuWorkspace[] Workspaces;
    public float* InputQ, InputK, InputV, Output, LogSumExp, DOutput, DQ, DK, DV;
    public HeadMatrices Bias, DBias;
    public byte* KeyPadding;
    public int Batch, Queries, Keys, Heads, Depth, Columns;

    /// <summary>Heads are in BatchGroups·HeadGroups groups; those of a group come one after the other.</summary>
    public int BatchGroups, HeadGroups;

    /// <summary>Keys of a block.</summary>
    public int KeyBlock;

    /// <summary>Items of a group with <see cref="PartKeys"/> keys and all queries each. They give dk and dv, and dq too where there are no others.</summary>
    public int KeyParts;

    /// <summary>Items of a group with <see cref="PartQueries"/> queries and all keys each. They give dq.</summary>
    public int QueryParts;

    public int PartKeys, PartQueries;
    public float Scale;
    public bool Causal;

    /// <summary>Keys of a block: what is kept of them fits in the second cache.</summary>
    public static int KeyBlockOf(int depth) => depth <= 64 ? 3 * Span : depth <= 192 ? 2 * Span : 64;

    /// <summary>Six rows of weights.</summary>
    readonly struct WeightLayout : ITileLayout
    {
        public nint Row => Span;
        public nint Step => 1;
    }

    /// <summary>Six columns of weights.</summary>
    readonly struct TurnedLayout : ITileLayout
    {
        public nint Row => 1;
        public nint Step => Span;
    }

    /// <summary>What an item is to compute.</summary>
    readonly record struct Part(int FirstKey, int KeyCount, int FirstQuery, int QueryCount, bool GivesKeys, bool GivesQueries);

    /// <summary>A thread's memory. Rows of D elements lie an odd number of cache lines apart, so that they share the cache evenly.</summary>
    ref struct Room
    {
        /// <summary>Panels of the block's keys and values, [.., D, 2·Width or Width].</summary>
        public float* KeyPanels, ValuePanels;

        /// <summary>[block, D]</summary>
        public float* Keys, DKeys, DValues;

        /// <summary>[Strip, D]</summary>
        public float* Queries, DResults;

        /// <summary>[Strip, Span]</summary>
        public float* Weights, DScores;

        /// <summary>[the item's queries, D]</summary>
        public float* DQueries;

        /// <summary>By query: logSumExp in units of log₂ e, ∞ where it sees no key; and Σ dy·y.</summary>
        public float* Origins, Deltas;

        /// <summary>What is added to the scores of the block of keys: 0, or −∞ where a key is not seen.</summary>
        public float* Hidden;

        public int PaddedDepth, Stride;
    }

    public readonly void Run<S, V>(int index, int worker) where S : struct, ISimd<V> where V : unmanaged
    {
        int group = index / (KeyParts + QueryParts), number = index % (KeyParts + QueryParts), block = number - KeyParts;
        Part part = number < KeyParts
            ? new(number * PartKeys, Math.Min(PartKeys, Keys - number * PartKeys), 0, Queries, true, QueryParts == 0)
            : new(0, Keys, block * PartQueries, Math.Min(PartQueries, Queries - block * PartQueries), false, true);
        var room = MakeRoom<S, V>(worker, part);
        int batches = Batch / BatchGroups, heads = Heads / HeadGroups, firstBatch = group / HeadGroups * batches, firstHead = group % HeadGroups * heads;
        for (var batch = firstBatch; batch < firstBatch + batches; batch++)
            for (var head = firstHead; head < firstHead + heads; head++) Head<S, V>(room, part, batch, head);
    }

    readonly Room MakeRoom<S, V>(int worker, Part part) where S : struct, ISimd<V> where V : unmanaged
    {
        // Everything begins at a cache line.
        const int Line = 16;
        int padded = (Depth + S.Width - 1) / S.Width * S.Width, stride = ((padded + Line - 1) / Line | 1) * Line;
        int rows = (Math.Min(KeyBlock, part.KeyCount) + 2 * S.Width - 1) / (2 * S.Width) * 2 * S.Width, queries = part.QueryCount + Tile.Rows;
        long At(ref long used, long elements)
        {
            var at = used;
            used += (elements + Line - 1) / Line * Line;
            return at;
        }
        long total = 0, panel = (long)rows * Depth, keys = (long)(rows + Tile.Rows) * stride, strip = Strip * stride, weights = Strip * Span;
        long kp = At(ref total, panel), vp = At(ref total, panel), k = At(ref total, keys), dk = At(ref total, keys), dv = At(ref total, keys);
        long q = At(ref total, strip), dy = At(ref total, strip), w = At(ref total, weights), ds = At(ref total, weights);
        long dq = At(ref total, part.GivesQueries ? (long)queries * stride : 0), o = At(ref total, queries), d = At(ref total, queries), h = At(ref total, rows);
        var room = (float*)Workspaces[worker].Get(total * sizeof(float));
        return new()
        {
            KeyPanels = room + kp,
            ValuePanels = room + vp,
            Keys = room + k,
            DKeys = room + dk,
            DValues = room + dv,
            Queries = room + q,
            DResults = room + dy,
            Weights = room + w,
            DScores = room + ds,
            DQueries = room + dq,
            Origins = room + o,
            Deltas = room + d,
            Hidden = room + h,
            PaddedDepth = padded,
            Stride = stride,
        };
    }

    readonly void Head<S, V>(in Room room, Part part, int batch, int head) where S : struct, ISimd<V> where V : unmanaged
    {
        long queriesAt = (long)batch * Queries * Columns + (long)head * Depth, keysAt = (long)batch * Keys * Columns + (long)head * Depth;
        float* bias = Bias.At(batch, head), dBias = part.GivesKeys ? DBias.At(batch, head) : null;
        int lastKey = part.FirstKey + part.KeyCount, lastQuery = part.FirstQuery + part.QueryCount;
        Sum<S, V>(room, part, queriesAt, ((long)batch * Heads + head) * Queries);
        if (part.GivesQueries) Clear(room, room.DQueries, part.QueryCount);
        for (var key = part.FirstKey; key < lastKey; key += KeyBlock)
        {
            var count = Math.Min(KeyBlock, lastKey - key);
            var from = keysAt + (long)key * Columns;
            var isSeen = !Causal || key < lastQuery;
            if (isSeen) PackKeys<S, V>(room, batch, key, count, from, part.GivesQueries);
            if (part.GivesKeys)
            {
                Clear(room, room.DKeys, count);
                Clear(room, room.DValues, count);
            }
            for (var query = part.FirstQuery; isSeen && query < lastQuery; query += Strip)
            {
                var rows = Math.Min(Strip, lastQuery - query);
                if (Causal && key >= query + rows) continue;
                var at = queriesAt + (long)query * Columns;
                AttentionPacking.Rows<S, V>(InputQ + at, Columns, rows, Depth, room.Queries, room.Stride);
                AttentionPacking.Rows<S, V>(DOutput + at, Columns, rows, Depth, room.DResults, room.Stride);
                for (var span = 0; span < count && !(Causal && key + span >= query + rows); span += Span)
                {
                    var width = Math.Min(Span, count - span);
                    Weigh<S, V>(room, query, query - part.FirstQuery, rows, key + span, span, width, bias);
                    if (dBias != null) AddBias<S, V>(room.DScores, dBias + (long)query * Keys + key + span, rows, width);
                    if (part.GivesKeys)
                    {
                        Tile.Multiply<S, V, TurnedLayout>(default, room.Weights, width, room.DResults, room.Stride, rows, room.PaddedDepth, room.DValues + (long)span * room.Stride);
                        Tile.Multiply<S, V, TurnedLayout>(default, room.DScores, width, room.Queries, room.Stride, rows, room.PaddedDepth, room.DKeys + (long)span * room.Stride);
                    }
                    if (part.GivesQueries)
                        Tile.Multiply<S, V, WeightLayout>(default, room.DScores, rows, room.Keys + (long)span * room.Stride, room.Stride, width, room.PaddedDepth,
                            room.DQueries + (long)(query - part.FirstQuery) * room.Stride);
                }
            }
            if (!part.GivesKeys) continue;
            Finish<S, V>(room.DKeys, room.Stride, count, Scale, DK + from);
            Finish<S, V>(room.DValues, room.Stride, count, 1, DV + from);
        }
        if (part.GivesQueries) Finish<S, V>(room.DQueries, room.Stride, part.QueryCount, Scale, DQ + queriesAt + (long)part.FirstQuery * Columns);
    }

    /// <summary>What is known of each query beforehand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Sum<S, V>(in Room room, Part part, long queriesAt, long sumsAt) where S : struct, ISimd<V> where V : unmanaged
    {
        for (var i = 0; i < part.QueryCount; i++)
        {
            var row = queriesAt + (long)(part.FirstQuery + i) * Columns;
            float* y = Output + row, dy = DOutput + row;
            AttentionPacking.Prefetch(y + AttentionPacking.RowsAhead * (long)Columns, Depth);
            AttentionPacking.Prefetch(dy + AttentionPacking.RowsAhead * (long)Columns, Depth);
            var sum = S.Create(0);
            for (var d = 0; d < Depth; d += S.Width) sum = S.Fma(SimdBlock.Load<S, V>(y + d, Depth - d), SimdBlock.Load<S, V>(dy + d, Depth - d), sum);
            var logSumExp = LogSumExp[sumsAt + part.FirstQuery + i];
            room.Deltas[i] = S.Sum(sum);
            room.Origins[i] = logSumExp > float.NegativeInfinity ? logSumExp * AttentionJob.Log2E : float.PositiveInfinity;
        }
    }

    readonly void PackKeys<S, V>(in Room room, int batch, int key, int count, long from, bool rows) where S : struct, ISimd<V> where V : unmanaged
    {
        AttentionPacking.Keys<S, V>(InputK + from, Columns, count, Depth, room.KeyPanels);
        AttentionPacking.Keys<S, V>(InputV + from, Columns, count, Depth, room.ValuePanels);
        if (rows) AttentionPacking.Rows<S, V>(InputK + from, Columns, count, Depth, room.Keys, room.Stride);
        var padding = KeyPadding == null ? null : KeyPadding + (long)batch * Keys + key;
        for (var i = 0; i < count; i++) room.Hidden[i] = padding == null || padding[i] != 0 ? 0 : float.NegativeInfinity;
    }

    /// <summary>The weights of a strip of queries for a span of keys, and the gradients of their scores.</summary>
    readonly void Weigh<S, V>(in Room room, int query, int number, int rows, int key, int span, int count, float* bias) where S : struct, ISimd<V> where V : unmanaged
    {
        Score<S, V>(room, room.Queries, room.KeyPanels, rows, span, count, room.Weights);
        Score<S, V>(room, room.DResults, room.ValuePanels, rows, span, count, room.DScores);
        var factor = Scale * AttentionJob.Log2E;
        for (var row = 0; row < rows; row++)
        {
            float* weights = room.Weights + row * Span, dScores = room.DScores + row * Span;
            var seen = Causal ? Math.Clamp(query + row + 1 - key, 0, count) : count;
            if (bias != null) ScaleAndBias<S, V>(weights, bias + (long)(query + row) * Keys + key, seen, factor);
            Weigh<S, V>(weights, dScores, room.Hidden + span, seen, bias != null ? 1 : factor, room.Origins[number + row], room.Deltas[number + row]);
            new Span<float>(weights + seen, Span - seen).Clear();
            new Span<float>(dScores + seen, Span - seen).Clear();
        }
    }

    /// <summary>c = rows · panelsᵀ. A panel stays in the first cache for all tiles of the strip.</summary>
    readonly void Score<S, V>(in Room room, float* a, float* panels, int rows, int span, int count, float* c) where S : struct, ISimd<V> where V : unmanaged
    {
        var layout = new StoredLayout(room.Stride);
        for (var d = 0; d < Depth; d += DepthBlock)
        {
            var depth = Math.Min(DepthBlock, Depth - d);
            for (var i = 0; i < count; i += 2 * S.Width)
            {
                var b = panels + (long)(span + i) * Depth;
                for (var row = 0; row < rows; row += Tile.Rows)
                {
                    float* from = a + (long)row * room.Stride + d, to = c + row * Span + i;
                    if (count - i > S.Width) Tile.Wide<S, V, StoredLayout>(layout, from, b + d * 2 * S.Width, 2 * S.Width, depth, to, Span, d > 0);
                    else Tile.Narrow<S, V, StoredLayout>(layout, from, b + d * S.Width, S.Width, depth, to, Span, d > 0);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void ScaleAndBias<S, V>(float* scores, float* bias, int count, float factor) where S : struct, ISimd<V> where V : unmanaged
    {
        for (var i = 0; i < count; i += S.Width)
            S.Store(scores + i, S.Fma(SimdBlock.Load<S, V>(bias + i, count - i), S.Create(AttentionJob.Log2E), S.Mul(S.Load(scores + i), S.Create(factor))));
    }

    /// <summary>P = 2^(factor·score − origin) and dS = P∘(dP − delta) of one query, in the places of the scores and of dP.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Weigh<S, V>(float* weights, float* dScores, float* hidden, int count, float factor, float origin, float delta) where S : struct, ISimd<V> where V : unmanaged
    {
        V by = S.Create(factor), from = S.Create(origin), d = S.Create(delta);
        for (var i = 0; i < count; i += S.Width)
        {
            var weight = VectorMath.Exp2<S, V>(S.Fma(S.Load(weights + i), by, S.Sub(S.Load(hidden + i), from)));
            S.Store(weights + i, weight);
            S.Store(dScores + i, S.Mul(weight, S.Sub(S.Load(dScores + i), d)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void AddBias<S, V>(float* dScores, float* dBias, int rows, int count) where S : struct, ISimd<V> where V : unmanaged
    {
        for (var row = 0; row < rows; row++, dScores += Span, dBias += Keys)
            for (var i = 0; i < count; i += S.Width)
                SimdBlock.Store<S, V>(dBias + i, S.Add(SimdBlock.Load<S, V>(dBias + i, count - i), S.Load(dScores + i)), count - i);
    }

    // Tiles of six rows may write behind the last.
    static void Clear(in Room room, float* rows, int count) => new Span<float>(rows, (count + Tile.Rows - 1) * room.Stride).Clear();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Finish<S, V>(float* sums, int stride, int rows, float factor, float* y) where S : struct, ISimd<V> where V : unmanaged
    {
        var by = S.Create(factor);
        for (var row = 0; row < rows; row++, sums += stride, y += Columns)
        {
            AttentionPacking.Prefetch(y + AttentionPacking.RowsAhead * (long)Columns, Depth);
            for (var d = 0; d < Depth; d += S.Width) SimdBlock.Store<S, V>(y + d, S.Mul(S.Load(sums + d), by), Depth - d);
        }
    }
}

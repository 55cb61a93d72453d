// attention_backward: the gradients of attention (FlashAttention-2, arXiv 2307.08691): the weights p are computed again from q, k and log_sum_exp, and with ds = p∘(dy · vᵀ - delta),
// dq = scale · ds · k, dk = scale · dsᵀ · q, dv = pᵀ · dy
// q, dy, dq [batch, queries, heads·dim] T; k, v, dk, dv [batch, keys, heads·dim] T; log_sum_exp, deltas [batch, heads, queries] f32; the mask as attention's
// attention_backward_keys: dk and dv, a block of keys a CTA; attention_backward_queries: dq, a block of queries a CTA; the rows of a CTA, its owners, meet all others block by block, in their order
// grid (rows / 64, heads, batch), block 128, dynamic shared Backward::SharedBytes; head dimensions up to the kernel's, in vectors of 8 but for the ones named any
// overwrites dq, or dk and dv; deterministic
#include "attention_backward.cuh"
#include "rows.cuh"

// deltas: the sum of dy · y over a head's channels
// y, dy [rows, dim] T, rows: batch, queries and heads; deltas [batch, heads, queries] f32
// grid ceil(rows / 4), block (32, 4): a warp a row; memory bound
template <typename T> __device__ __forceinline__ void sum_products(const T* y, const T* dy, float* deltas, int rows, int queries, int heads, int dim)
{
    constexpr int N = Vector<T>::N;
    int row = row_of_warp(), head = row % heads, query = row / heads % queries, batch = row / heads / queries;
    if (row >= rows) return;
    bool whole = dim % N == 0 && aligned(y, dy);
    y += (u64)row * dim;
    dy += (u64)row * dim;
    float sum = 0;
    for_columns<N>(dim, [&](int c, int count) {
        Vector<T> a = load(y + c, count, whole), b = load(dy + c, count, whole);
#pragma unroll
        for (int j = 0; j < N; j++) sum += to_float(a.at[j]) * to_float(b.at[j]);
    });
    sum = warp_sum(sum);
    if (threadIdx.x == 0) deltas[((u64)batch * heads + head) * queries + query] = sum;
}

#define DELTAS(T, name) \
    extern "C" __global__ void __launch_bounds__(WARP * ROWS_OF_BLOCK) deltas_##name(const T* y, const T* dy, float* deltas, int rows, int queries, int heads, int dim) \
    { \
        sum_products(y, dy, deltas, rows, queries, heads, dim); \
    }
FOR_EACH_FLOAT(DELTAS)

extern __shared__ __align__(128) unsigned char shared[];

// DIM channels, a multiple of 16; 16 owners a warp; OTHERS at a time, in two stages.
template <int DIM_, int OTHERS_> struct Backward : HeadRows<DIM_>
{
    static constexpr int DIM = DIM_, OTHERS = OTHERS_, OWNERS = 64;
    static constexpr int OwnerBytes = OWNERS * HeadRows<DIM>::Pitch, OtherBytes = OTHERS * HeadRows<DIM>::Pitch;
    // A stage has two rows, and, of queries, what the weights are measured against and delta.
    static constexpr int StageBytes = 2 * OtherBytes + 2 * OTHERS * 4;
    static constexpr int SharedBytes = 2 * OwnerBytes + 2 * StageBytes;
};

// sums += a · others, a of 16 rows in registers as the tensor cores left them.
template <class B, typename T> __device__ __forceinline__ void add_products(float (&sums)[B::DIM / 8][4], const float (&a)[B::OTHERS / 8][4], u32 others)
{
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int i = 0; i < B::OTHERS / 16; i++)
    {
        u32 rows[4] = {pack<T>(a[2 * i][0], a[2 * i][1]), pack<T>(a[2 * i][2], a[2 * i][3]), pack<T>(a[2 * i + 1][0], a[2 * i + 1][1]), pack<T>(a[2 * i + 1][2], a[2 * i + 1][3])};
#pragma unroll
        for (int j = 0; j < B::DIM / 16; j++)
        {
            u32 b[4];
            ldmatrix_transposed(b, others + B::chunk_at(i * 16 + lane % 16, j * 2 + lane / 16));
            mma<T>(sums[2 * j], rows, b[0], b[1]);
            mma<T>(sums[2 * j + 1], rows, b[2], b[3]);
        }
    }
}

template <class B, bool Vectors, typename T> __device__ __forceinline__ void write(T* y, const float (&sums)[B::DIM / 8][4], float scale, int first, int count, u64 stride, int dim)
{
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int i = 0; i < 2; i++)
    {
        int row = first + lane / 4 + i * 8;
        if (row >= count) continue;
        T* to = y + (u64)row * stride;
#pragma unroll
        for (int j = 0; j < B::DIM / 8; j++)
        {
            int channel = j * 8 + lane % 4 * 2;
            float a = sums[j][2 * i] * scale, b = sums[j][2 * i + 1] * scale;
            if (Vectors)
            {
                if (channel < dim) *(u32*)(to + channel) = pack<T>(a, b);
            }
            else
            {
                if (channel < dim) to[channel] = from_float<T>(a);
                if (channel + 1 < dim) to[channel + 1] = from_float<T>(b);
            }
        }
    }
}

// Owners are keys (with their values), and others queries (with dy), or the other way round.
template <class B, bool OfKeys, bool Vectors, typename T> __device__ __forceinline__ void backward(BACKWARD_ARGUMENTS(T))
{
    int head = blockIdx.y, batch = blockIdx.z, first = blockIdx.x * B::OWNERS, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    u64 stride = (u64)heads * dim, at_queries = (u64)batch * queries * stride + head * dim, at_keys = (u64)batch * keys * stride + head * dim;
    const T *owner = OfKeys ? k + at_keys : q + at_queries, *owner_value = OfKeys ? v + at_keys : dy + at_queries;
    const T *other = OfKeys ? q + at_queries : k + at_keys, *other_value = OfKeys ? dy + at_queries : v + at_keys;
    int owners = OfKeys ? keys : queries, others = OfKeys ? queries : keys;
    log_sum_exp += ((u64)batch * heads + head) * queries;
    deltas += ((u64)batch * heads + head) * queries;
    unsigned char* stages = shared + 2 * B::OwnerBytes;
    u32 base = shared_address(shared), stage_base = shared_address(stages);
    float score_scale = scale * 1.4426950408889634f;
    Mask mask = MASK;

    auto bring_stage = [&](int at, int stage)
    {
        unsigned char* to = stages + stage * B::StageBytes;
        bring<B, Vectors, B::OTHERS>(to, other, at, others, stride, dim);
        bring<B, Vectors, B::OTHERS>(to + B::OtherBytes, other_value, at, others, stride, dim);
        if (OfKeys && threadIdx.x < B::OTHERS)
        {
            int query = at + threadIdx.x;
            float* numbers = (float*)(to + 2 * B::OtherBytes);
            numbers[threadIdx.x] = query < queries ? origin_of(log_sum_exp[query]) : infinity();
            numbers[B::OTHERS + threadIdx.x] = query < queries ? deltas[query] : 0;
        }
    };

    // Queries before a block of keys, and keys behind a block of queries, are not seen.
    int begin = OfKeys && causal ? first / B::OTHERS * B::OTHERS : 0, end = !OfKeys && causal ? min(others, first + B::OWNERS) : others;
    if (begin < end)
    {
        bring<B, Vectors, B::OWNERS>(shared, owner, first, owners, stride, dim);
        bring<B, Vectors, B::OWNERS>(shared + B::OwnerBytes, owner_value, first, owners, stride, dim);
        bring_stage(begin, 0);
        if (Vectors) commit_copies();
    }

    float sums[B::DIM / 8][4] = {}, value_sums[OfKeys ? B::DIM / 8 : 1][4] = {}, origins[2], row_deltas[2];
    if (!OfKeys)
    {
#pragma unroll
        for (int i = 0; i < 2; i++)
        {
            int query = first + warp * 16 + lane / 4 + i * 8;
            origins[i] = query < queries ? origin_of(log_sum_exp[query]) : infinity();
            row_deltas[i] = query < queries ? deltas[query] : 0;
        }
    }
    for (int at = begin, stage = 0; at < end; at += B::OTHERS, stage ^= 1)
    {
        if (at + B::OTHERS < end) bring_stage(at + B::OTHERS, stage ^ 1);
        if (Vectors)
        {
            commit_copies();
            wait_copies<1>();
        }
        __syncthreads();
        u32 rows = stage_base + stage * B::StageBytes, values = rows + B::OtherBytes;
        const float* numbers = (const float*)(stages + stage * B::StageBytes + 2 * B::OtherBytes);

        float weights[B::OTHERS / 8][4] = {}, slopes[B::OTHERS / 8][4] = {};
#pragma unroll
        for (int i = 0; i < B::DIM / 16; i++)
        {
            u32 a[4], c[4], from = base + B::chunk_at(warp * 16 + lane % 16, i * 2 + lane / 16);
            ldmatrix(a, from);
            ldmatrix(c, from + B::OwnerBytes);
#pragma unroll
            for (int j = 0; j < B::OTHERS / 16; j++)
            {
                u32 b[4], offset = B::chunk_at(j * 16 + lane / 16 * 8 + lane % 8, i * 2 + lane / 8 % 2);
                ldmatrix(b, rows + offset);
                mma<T>(weights[2 * j], a, b[0], b[1]);
                mma<T>(weights[2 * j + 1], a, b[2], b[3]);
                ldmatrix(b, values + offset);
                mma<T>(slopes[2 * j], c, b[0], b[1]);
                mma<T>(slopes[2 * j + 1], c, b[2], b[3]);
            }
        }

        // Most blocks are seen whole.
        bool whole = !mask.padding && !mask.bias && first + B::OWNERS <= owners && at + B::OTHERS <= others && !(causal && (OfKeys ? at < first + B::OWNERS : at + B::OTHERS > first));
#pragma unroll
        for (int j = 0; j < B::OTHERS / 8; j++)
#pragma unroll
            for (int i = 0; i < 4; i++)
            {
                int row = first + warp * 16 + lane / 4 + i / 2 * 8, column = j * 8 + lane % 4 * 2 + i % 2;
                float score = weights[j][i];
                score = whole ? score * score_scale : OfKeys ? masked(score, score_scale, mask, batch, head, at + column, row, queries, keys) : masked(score, score_scale, mask, batch, head, row, at + column, queries, keys);
                float weight = exp2_fast(score - (OfKeys ? numbers[column] : origins[i / 2]));
                weights[j][i] = weight;
                slopes[j][i] = weight * (slopes[j][i] - (OfKeys ? numbers[B::OTHERS + column] : row_deltas[i / 2]));
            }
        add_products<B, T>(sums, slopes, rows);
        if constexpr (OfKeys) add_products<B, T>(value_sums, weights, values);
        // The next but one comes to where this one is.
        __syncthreads();
    }
    write<B, Vectors>(OfKeys ? dk + at_keys : dq + at_queries, sums, scale, first + warp * 16, owners, stride, dim);
    if constexpr (OfKeys) write<B, Vectors>(dv + at_keys, value_sums, 1.0f, first + warp * 16, owners, stride, dim);
}

#define BACKWARD(T, suffix, vectors, ...) \
    extern "C" __global__ void __launch_bounds__(128) attention_backward_keys_##suffix(BACKWARD_ARGUMENTS(T)) { backward<__VA_ARGS__, true, vectors>(BACKWARD_CALL); } \
    extern "C" __global__ void __launch_bounds__(128) attention_backward_queries_##suffix(BACKWARD_ARGUMENTS(T)) { backward<__VA_ARGS__, false, vectors>(BACKWARD_CALL); }

#define DIMENSIONS(T, name) \
    BACKWARD(T, 32_##name, true, Backward<32, 64>) \
    BACKWARD(T, 48_##name, true, Backward<48, 64>) \
    BACKWARD(T, 64_##name, true, Backward<64, 32>) \
    BACKWARD(T, 80_##name, true, Backward<80, 32>) \
    BACKWARD(T, 160_##name, true, Backward<160, 16>) \
    BACKWARD(T, any_##name, false, Backward<160, 16>)

DIMENSIONS(f16, f16)
DIMENSIONS(bf16, bf16)

// attention: y = softmax(scale · q · kᵀ + mask) · v per head, streamed over the keys (FlashAttention-2, arXiv 2307.08691)
// q, y [batch, queries, heads·dim] T; k, v [batch, keys, heads·dim] T; y may be q
// padding [batch, keys] u8 or null: keys with 0 are not seen; bias [bias_batch, bias_heads, queries, keys] f32 or null; causal: query i sees keys 0 to i
// log_sum_exp [batch, heads, queries] f32 or null: the logarithm of the sum of a query's exponentials, -inf where it sees no key (its output is zero)
// grid (queries / rows of a CTA, heads, batch), block 128, dynamic shared Flash::SharedBytes; head dimensions up to the kernel's, in vectors of 8 but for attention_any
// overwrites y, log_sum_exp; deterministic: keys are added in their order
#include "attention.cuh"

extern __shared__ __align__(128) unsigned char shared[];

// DIM channels, a multiple of 16; each of the four warps has TILES × 16 queries; KEYS at a time.
template <int DIM_, int TILES_, int KEYS_> struct Flash : HeadRows<DIM_>
{
    static constexpr int DIM = DIM_, TILES = TILES_, KEYS = KEYS_, ROWS = 4 * 16 * TILES;
    static constexpr int KeyBytes = KEYS * HeadRows<DIM>::Pitch;
    static constexpr int SharedBytes = (ROWS > 3 * KEYS ? ROWS : 3 * KEYS) * HeadRows<DIM>::Pitch;
};

template <class F, bool Vectors, typename T> __device__ __forceinline__ void flash(ARGUMENTS(T))
{
    const float Infinity = infinity();
    int head = blockIdx.y, batch = blockIdx.z, first = blockIdx.x * F::ROWS, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    u64 stride = (u64)heads * dim;
    const T *from_q = q + (u64)batch * queries * stride + head * dim, *from_k = k + (u64)batch * keys * stride + head * dim, *from_v = v + (u64)batch * keys * stride + head * dim;
    unsigned char* values = shared + 2 * F::KeyBytes;
    u32 base = shared_address(shared), value_stage = shared_address(values);
    scale *= 1.4426950408889634f;
    Mask mask = MASK;

    // Queries lie where the keys come afterwards; each warp takes its own into registers.
    bring<F, Vectors, F::ROWS>(shared, from_q, first, queries, stride, dim);
    if (Vectors)
    {
        commit_copies();
        wait_copies<0>();
    }
    __syncthreads();
    u32 query[F::TILES][F::DIM / 16][4];
#pragma unroll
    for (int t = 0; t < F::TILES; t++)
#pragma unroll
        for (int i = 0; i < F::DIM / 16; i++) ldmatrix(query[t][i], base + F::chunk_at((warp * F::TILES + t) * 16 + lane % 16, i * 2 + lane / 16));
    __syncthreads();

    float sums[F::TILES][F::DIM / 8][4] = {}, most[F::TILES][2], sum[F::TILES][2] = {};
#pragma unroll
    for (int t = 0; t < F::TILES; t++) most[t][0] = most[t][1] = -Infinity;

    int last = causal && first + F::ROWS < keys ? first + F::ROWS : keys, blocks = (last + F::KEYS - 1) / F::KEYS;
    bring<F, Vectors, F::KEYS>(shared, from_k, 0, keys, stride, dim);
    if (Vectors) commit_copies();
    for (int block = 0; block < blocks; block++)
    {
        int at = block * F::KEYS;
        u32 key_block = base + block % 2 * F::KeyBytes;
        // Values of this block come while its scores are computed, keys of the next while they are multiplied.
        bring<F, Vectors, F::KEYS>(values, from_v, at, keys, stride, dim);
        if (Vectors)
        {
            commit_copies();
            wait_copies<1>();
        }
        __syncthreads();

        float scores[F::TILES][F::KEYS / 8][4] = {};
#pragma unroll
        for (int i = 0; i < F::DIM / 16; i++)
#pragma unroll
            for (int j = 0; j < F::KEYS / 16; j++)
            {
                u32 b[4];
                ldmatrix(b, key_block + F::chunk_at(j * 16 + lane / 16 * 8 + lane % 8, i * 2 + lane / 8 % 2));
#pragma unroll
                for (int t = 0; t < F::TILES; t++)
                {
                    mma<T>(scores[t][2 * j], query[t][i], b[0], b[1]);
                    mma<T>(scores[t][2 * j + 1], query[t][i], b[2], b[3]);
                }
            }

        // Most blocks are seen whole: their scores are scaled where they are raised to powers, others' where they are masked.
        bool whole = scale > 0 && !mask.padding && !mask.bias && at + F::KEYS <= keys && !(causal && at + F::KEYS > first);
        float unit = whole ? scale : 1;
        if (!whole)
#pragma unroll
            for (int t = 0; t < F::TILES; t++)
#pragma unroll
                for (int j = 0; j < F::KEYS / 8; j++)
#pragma unroll
                    for (int i = 0; i < 4; i++)
                    {
                        int row = first + (warp * F::TILES + t) * 16 + lane / 4 + i / 2 * 8;
                        scores[t][j][i] = masked(scores[t][j][i], scale, mask, batch, head, row, at + j * 8 + lane % 4 * 2 + i % 2, queries, keys);
                    }
#pragma unroll
        for (int t = 0; t < F::TILES; t++)
        {
            float next[2] = {-Infinity, -Infinity};
#pragma unroll
            for (int j = 0; j < F::KEYS / 8; j++)
#pragma unroll
                for (int i = 0; i < 4; i++) next[i / 2] = fmaxf(next[i / 2], scores[t][j][i]);
#pragma unroll
            for (int i = 0; i < 2; i++)
            {
                next[i] = fmaxf(next[i], __shfl_xor_sync(0xffffffff, next[i], 1));
                next[i] = fmaxf(next[i], __shfl_xor_sync(0xffffffff, next[i], 2));
                next[i] = fmaxf(most[t][i], next[i] * unit);
                // Where nothing was seen yet, differences of infinities must not become NaN.
                float origin = next[i] == -Infinity ? 0 : next[i], kept = exp2_fast(most[t][i] - origin);
                most[t][i] = next[i];
                sum[t][i] *= kept;
#pragma unroll
                for (int j = 0; j < F::DIM / 8; j++)
                {
                    sums[t][j][2 * i] *= kept;
                    sums[t][j][2 * i + 1] *= kept;
                }
#pragma unroll
                for (int j = 0; j < F::KEYS / 8; j++)
#pragma unroll
                    for (int l = 0; l < 2; l++)
                    {
                        float& weight = scores[t][j][2 * i + l];
                        weight = exp2_fast(fmaf(weight, unit, -origin));
                        sum[t][i] += weight;
                    }
            }
        }

        if (block + 1 < blocks) bring<F, Vectors, F::KEYS>(shared + (block + 1) % 2 * F::KeyBytes, from_k, at + F::KEYS, keys, stride, dim);
        // Without copies the values were there with the keys.
        if (Vectors)
        {
            commit_copies();
            wait_copies<1>();
            __syncthreads();
        }
#pragma unroll
        for (int i = 0; i < F::KEYS / 16; i++)
        {
            u32 weights[F::TILES][4];
#pragma unroll
            for (int t = 0; t < F::TILES; t++)
            {
                weights[t][0] = pack<T>(scores[t][2 * i][0], scores[t][2 * i][1]);
                weights[t][1] = pack<T>(scores[t][2 * i][2], scores[t][2 * i][3]);
                weights[t][2] = pack<T>(scores[t][2 * i + 1][0], scores[t][2 * i + 1][1]);
                weights[t][3] = pack<T>(scores[t][2 * i + 1][2], scores[t][2 * i + 1][3]);
            }
#pragma unroll
            for (int j = 0; j < F::DIM / 16; j++)
            {
                u32 b[4];
                ldmatrix_transposed(b, value_stage + F::chunk_at(i * 16 + lane % 16, j * 2 + lane / 16));
#pragma unroll
                for (int t = 0; t < F::TILES; t++)
                {
                    mma<T>(sums[t][2 * j], weights[t], b[0], b[1]);
                    mma<T>(sums[t][2 * j + 1], weights[t], b[2], b[3]);
                }
            }
        }
        // The values are overwritten by the next block's.
        __syncthreads();
    }

#pragma unroll
    for (int t = 0; t < F::TILES; t++)
#pragma unroll
        for (int i = 0; i < 2; i++)
        {
            float total = sum[t][i];
            total += __shfl_xor_sync(0xffffffff, total, 1);
            total += __shfl_xor_sync(0xffffffff, total, 2);
            int row = first + (warp * F::TILES + t) * 16 + lane / 4 + i * 8;
            float inverse = total > 0 ? 1 / total : 0;
            if (row < queries)
            {
                T* to = y + ((u64)batch * queries + row) * stride + head * dim;
#pragma unroll
                for (int j = 0; j < F::DIM / 8; j++)
                {
                    int channel = j * 8 + lane % 4 * 2;
                    float a = sums[t][j][2 * i] * inverse, b = sums[t][j][2 * i + 1] * inverse;
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
                if (log_sum_exp && lane % 4 == 0) log_sum_exp[((u64)batch * heads + head) * queries + row] = most[t][i] * 0.69314718055994531f + logf(total);
            }
        }
}

#define ATTENTION(T, name, vectors, ...) \
    extern "C" __global__ void __launch_bounds__(128) name(ARGUMENTS(T)) { flash<__VA_ARGS__, vectors>(CALL); }

#define DIMENSIONS(T, name) \
    ATTENTION(T, attention_16_##name, true, Flash<16, 2, 64>) \
    ATTENTION(T, attention_32_##name, true, Flash<32, 2, 64>) \
    ATTENTION(T, attention_48_##name, true, Flash<48, 2, 64>) \
    ATTENTION(T, attention_64_##name, true, Flash<64, 2, 64>) \
    ATTENTION(T, attention_80_##name, true, Flash<80, 1, 64>) \
    ATTENTION(T, attention_128_##name, true, Flash<128, 1, 64>) \
    ATTENTION(T, attention_160_##name, true, Flash<160, 1, 32>) \
    ATTENTION(T, attention_any_##name, false, Flash<160, 1, 32>)

DIMENSIONS(f16, f16)
DIMENSIONS(bf16, bf16)

// attention_wide: attention with one head of up to 512 channels, as the VAE's; arguments as attention's
// grid (queries / 64, heads, batch), block 256, dynamic shared SharedBytes (99 KB: all that sm_86 has); head dimensions in vectors of 8 but for attention_wide_any
// Each of eight warps has the scores of 16 queries and 8 of the 16 keys of a block, and 64 of the output's channels for all queries
// overwrites y, log_sum_exp; deterministic
#include "attention.cuh"

extern __shared__ __align__(128) unsigned char shared[];

constexpr int Rows = 64, Keys = 16, Dim = 512, RowBytes = Dim * 2;
constexpr int KeysAt = Rows * RowBytes, ValuesAt = KeysAt + Keys * RowBytes, WeightsAt = ValuesAt + Keys * RowBytes, MostAt = WeightsAt + Rows * Keys * 2, KeptAt = MostAt + 2 * Rows * 4,
    SharedBytes = KeptAt + Rows * 4;
static_assert(SharedBytes <= 99 * 1024, "sm_86 has no more");

// Chunks of 16 bytes are exchanged so that one chunk of eight rows lies in all banks.
__device__ __forceinline__ int chunk_at(int row, int chunk) { return row * RowBytes + ((chunk ^ (row & 7)) << 4); }

// The same for a row of weights, which is two chunks.
__device__ __forceinline__ int weights_at(int row, int chunk) { return WeightsAt + row * Keys * 2 + ((chunk ^ (row >> 2 & 1)) << 4); }

template <bool Vectors, int Count, typename T> __device__ __forceinline__ void bring(unsigned char* to, const T* from, int first, int count, u64 stride, int dim)
{
#pragma unroll 4
    for (int i = threadIdx.x; i < Count * (Dim / 8); i += 256)
    {
        int row = i / (Dim / 8), chunk = i % (Dim / 8);
        Chunk<Vectors>::bring(to + chunk_at(row, chunk), from, (first + row) * stride, first + row < count, chunk * 8, dim);
    }
}

template <bool Vectors, typename T> __device__ __forceinline__ void flash_wide(ARGUMENTS(T))
{
    const float Infinity = infinity();
    int head = blockIdx.y, batch = blockIdx.z, first = blockIdx.x * Rows, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int group = warp % 4, half = warp / 4;
    u64 stride = (u64)heads * dim;
    const T *from_q = q + (u64)batch * queries * stride + head * dim, *from_k = k + (u64)batch * keys * stride + head * dim, *from_v = v + (u64)batch * keys * stride + head * dim;
    u32 base = shared_address(shared);
    float *most_shared = (float*)(shared + MostAt), *kept_shared = (float*)(shared + KeptAt);
    scale *= 1.4426950408889634f;
    Mask mask = MASK;

    float sums[4][8][4] = {}, most[2] = {-Infinity, -Infinity}, sum[2] = {};
    int last = causal && first + Rows < keys ? first + Rows : keys, blocks = (last + Keys - 1) / Keys;
    bring<Vectors, Rows>(shared, from_q, first, queries, stride, dim);
    bring<Vectors, Keys>(shared + KeysAt, from_k, 0, keys, stride, dim);
    if (Vectors) commit_copies();
    for (int block = 0; block < blocks; block++)
    {
        int at = block * Keys;
        bring<Vectors, Keys>(shared + ValuesAt, from_v, at, keys, stride, dim);
        if (Vectors)
        {
            commit_copies();
            wait_copies<1>();
        }
        __syncthreads();

        float scores[4] = {};
#pragma unroll 8
        for (int i = 0; i < Dim / 32; i++)
        {
            u32 b[4], a[4];
            ldmatrix(b, base + KeysAt + chunk_at(half * 8 + lane % 8, i * 4 + lane / 8));
            ldmatrix(a, base + chunk_at(group * 16 + lane % 16, i * 4 + lane / 16));
            mma<T>(scores, a, b[0], b[1]);
            ldmatrix(a, base + chunk_at(group * 16 + lane % 16, i * 4 + 2 + lane / 16));
            mma<T>(scores, a, b[2], b[3]);
        }
        int local = group * 16 + lane / 4;
        float largest[2] = {-Infinity, -Infinity};
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            scores[i] = masked(scores[i], scale, mask, batch, head, first + local + i / 2 * 8, at + half * 8 + lane % 4 * 2 + i % 2, queries, keys);
            largest[i / 2] = fmaxf(largest[i / 2], scores[i]);
        }
#pragma unroll
        for (int i = 0; i < 2; i++)
        {
            largest[i] = fmaxf(largest[i], __shfl_xor_sync(0xffffffff, largest[i], 1));
            largest[i] = fmaxf(largest[i], __shfl_xor_sync(0xffffffff, largest[i], 2));
            if (lane % 4 == 0) most_shared[half * Rows + local + i * 8] = largest[i];
        }
        // All warps are through with the keys, and the other half's maxima are there.
        __syncthreads();
        if (block + 1 < blocks) bring<Vectors, Keys>(shared + KeysAt, from_k, at + Keys, keys, stride, dim);
        if (Vectors) commit_copies();
#pragma unroll
        for (int i = 0; i < 2; i++)
        {
            int row = local + i * 8;
            float next = fmaxf(most[i], fmaxf(most_shared[row], most_shared[Rows + row])), origin = next == -Infinity ? 0 : next, kept = exp2_fast(most[i] - origin);
            most[i] = next;
            float a = exp2_fast(scores[2 * i] - origin), b = exp2_fast(scores[2 * i + 1] - origin);
            sum[i] = sum[i] * kept + a + b;
            *(u32*)(shared + weights_at(row, half) + lane % 4 * 4) = pack<T>(a, b);
            if (half == 0 && lane % 4 == 0) kept_shared[row] = kept;
        }
        if (Vectors) wait_copies<1>();
        __syncthreads();

        u32 b[4][4];
#pragma unroll
        for (int j = 0; j < 4; j++) ldmatrix_transposed(b[j], base + ValuesAt + chunk_at(lane % 16, warp * 8 + j * 2 + lane / 16));
#pragma unroll
        for (int t = 0; t < 4; t++)
        {
            u32 weights[4];
            ldmatrix(weights, base + weights_at(t * 16 + lane % 16, lane / 16));
            float kept[2] = {kept_shared[t * 16 + lane / 4], kept_shared[t * 16 + lane / 4 + 8]};
#pragma unroll
            for (int j = 0; j < 8; j++)
            {
#pragma unroll
                for (int i = 0; i < 4; i++) sums[t][j][i] *= kept[i / 2];
                mma<T>(sums[t][j], weights, b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
            }
        }
        // Values, weights and factors are overwritten by the next block's.
        __syncthreads();
    }

    // The two halves' sums, one after the other, so that their order is fixed.
#pragma unroll
    for (int i = 0; i < 2; i++)
    {
        sum[i] += __shfl_xor_sync(0xffffffff, sum[i], 1);
        sum[i] += __shfl_xor_sync(0xffffffff, sum[i], 2);
        if (lane % 4 == 0) most_shared[half * Rows + group * 16 + lane / 4 + i * 8] = sum[i];
    }
    __syncthreads();
    if (log_sum_exp && half == 0 && lane % 4 == 0)
    {
#pragma unroll
        for (int i = 0; i < 2; i++)
        {
            int row = group * 16 + lane / 4 + i * 8;
            float total = most_shared[row] + most_shared[Rows + row];
            if (first + row < queries) log_sum_exp[((u64)batch * heads + head) * queries + first + row] = most[i] * 0.69314718055994531f + logf(total);
        }
    }
#pragma unroll
    for (int t = 0; t < 4; t++)
#pragma unroll
        for (int i = 0; i < 2; i++)
        {
            int row = t * 16 + lane / 4 + i * 8;
            float total = most_shared[row] + most_shared[Rows + row], inverse = total > 0 ? 1 / total : 0;
            if (first + row >= queries) continue;
            T* to = y + ((u64)batch * queries + first + row) * stride + head * dim;
#pragma unroll
            for (int j = 0; j < 8; j++)
            {
                int channel = warp * 64 + j * 8 + lane % 4 * 2;
                float a = sums[t][j][2 * i] * inverse, b = sums[t][j][2 * i + 1] * inverse;
                if (Vectors)
                {
                    if (channel < dim) *(u32*)(to + channel) = pack<T>(a, b);
                    continue;
                }
                if (channel < dim) to[channel] = from_float<T>(a);
                if (channel + 1 < dim) to[channel + 1] = from_float<T>(b);
            }
        }
}

#define WIDE(T, name) \
    extern "C" __global__ void __launch_bounds__(256) attention_wide_##name(ARGUMENTS(T)) { flash_wide<true>(CALL); } \
    extern "C" __global__ void __launch_bounds__(256) attention_wide_any_##name(ARGUMENTS(T)) { flash_wide<false>(CALL); }

WIDE(f16, f16)
WIDE(bf16, bf16)

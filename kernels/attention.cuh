// What the attention kernels share: masks, and how rows come to shared memory.
#pragma once
#include "mma.cuh"

struct Mask
{
    const unsigned char* padding;
    const float* bias;
    int causal, bias_batch, bias_heads;
};

__device__ __forceinline__ float infinity() { return __int_as_float(0x7f800000); }

// The score of a query and a key in units of log2 e, -inf where it is not seen.
__device__ __forceinline__ float masked(float score, float scale, const Mask& mask, int batch, int head, int query, int key, int queries, int keys)
{
    if (key >= keys || query >= queries) return -infinity();
    if (mask.causal && key > query) return -infinity();
    if (mask.padding && !mask.padding[(u64)batch * keys + key]) return -infinity();
    score *= scale;
    if (mask.bias)
        score += 1.4426950408889634f * mask.bias[((u64)(mask.bias_batch == 1 ? 0 : batch) * mask.bias_heads + (mask.bias_heads == 1 ? 0 : head)) * queries * keys + (u64)query * keys + key];
    return score;
}

__device__ __forceinline__ float exp2_fast(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

#define ARGUMENTS(T) const T *q, const T *k, const T *v, T *y, float *log_sum_exp, int queries, int keys, int heads, int dim, float scale, \
    const unsigned char *padding, const float *bias, int causal, int bias_batch, int bias_heads
#define MASK Mask{padding, bias, causal, bias_batch, bias_heads}
#define CALL q, k, v, y, log_sum_exp, queries, keys, heads, dim, scale, padding, bias, causal, bias_batch, bias_heads

// Eight channels of the row at a place behind `from` to shared memory, zeros where not inside (rows) and past the channels; as a vector, or one by one.
template <bool Vectors> struct Chunk
{
    template <typename T> static __device__ __forceinline__ void bring(unsigned char* to, const T* from, u64 at, bool inside, int channel, int dim)
    {
        inside = inside && channel < dim;
        copy_async(shared_address(to), inside ? from + at + channel : from, inside);
    }
};

template <> struct Chunk<false>
{
    template <typename T> static __device__ __forceinline__ void bring(unsigned char* to, const T* from, u64 at, bool inside, int channel, int dim)
    {
        u32 pairs[4];
#pragma unroll
        for (int j = 0; j < 8; j++)
        {
            u32 bits = inside && channel + j < dim ? from[at + channel + j].bits : 0;
            pairs[j / 2] = j % 2 ? pairs[j / 2] | bits << 16 : bits;
        }
        *(uint4*)to = make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
    }
};

// How rows of DIM channels lie in shared memory. Eight lanes read one chunk of 16 bytes of eight rows, and write eight chunks one after the other: both meet all banks. Rows of whole lines of the
// banks are padded by a chunk; in others chunks are exchanged among `Exchanged` neighbours.
template <int DIM> struct HeadRows
{
    static constexpr int Chunks = DIM / 8, Exchanged = Chunks % 8 == 0 ? 1 : Chunks % 4 == 0 ? 4 : 2, Pitch = (DIM + (Exchanged == 1 ? 8 : 0)) * 2;

    static __device__ __forceinline__ int chunk_at(int row, int chunk) { return row * Pitch + ((chunk ^ (row / (8 / Exchanged) & (Exchanged - 1))) << 4); }
};

// Rows [first, first + Count) of a head to shared memory by 128 threads, zeros beyond the last one.
template <class Rows, bool Vectors, int Count, typename T> __device__ __forceinline__ void bring(unsigned char* to, const T* from, int first, int count, u64 stride, int dim)
{
#pragma unroll
    for (int i = threadIdx.x; i < Count * Rows::Chunks; i += 128)
    {
        int row = i / Rows::Chunks, chunk = i % Rows::Chunks;
        Chunk<Vectors>::bring(to + Rows::chunk_at(row, chunk), from, (first + row) * stride, first + row < count, chunk * 8, dim);
    }
}

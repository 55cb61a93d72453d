// Attention without tensor cores: a warp owns a row, a query or a key. For products each lane has another row, for sums each lane has channels.
#pragma once
#include "attention.cuh"
#include "reduce.cuh"
#include "vector.cuh"

// The product of two rows, in vectors of N.
template <int N, typename T> __device__ __forceinline__ float product_of(const T* a, const T* b, int dim)
{
    float sum = 0;
    for (int c = 0; c < dim; c += N)
    {
        Vector<T, N> x = load<N>(a + c), y = load<N>(b + c);
#pragma unroll
        for (int j = 0; j < N; j++) sum = fmaf(to_float(x.at[j]), to_float(y.at[j]), sum);
    }
    return sum;
}

// The same in vectors of 16 bytes where rows are whole ones.
template <typename T> __device__ __forceinline__ float product_of(const T* a, const T* b, int dim, bool whole) { return whole ? product_of<Vector<T>::N>(a, b, dim) : product_of<1>(a, b, dim); }

// sums += weight · row, for the rows of the first count lanes in their order; a lane has every 32nd channel.
template <int Places, typename T> __device__ __forceinline__ void add_rows(float (&sums)[Places], float weight, const T* rows, u64 stride, int count, int dim)
{
    int lane = threadIdx.x % 32;
    for (int i = 0; i < count; i++, rows += stride)
    {
        float w = __shfl_sync(~0u, weight, i);
#pragma unroll
        for (int j = 0; j < Places; j++)
            if (lane + 32 * j < dim) sums[j] = fmaf(w, to_float(rows[lane + 32 * j]), sums[j]);
    }
}

template <int Places, typename T> __device__ __forceinline__ void give(T* to, const float (&from)[Places], float scale, int dim)
{
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int j = 0; j < Places; j++)
        if (lane + 32 * j < dim) to[lane + 32 * j] = from_float<T>(from[j] * scale);
}

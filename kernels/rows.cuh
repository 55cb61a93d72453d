// A warp a row: block (32, 4), grid ceil(rows / 4). Lane i takes the vectors of N elements i, i + 32, ... of its row; N is 1 where rows are no whole vectors.
#pragma once
#include "reduce.cuh"
#include "vector.cuh"

constexpr int ROWS_OF_BLOCK = 4;

// This warp's row; it may be beyond the last.
__device__ __forceinline__ int row_of_warp() { return blockIdx.x * ROWS_OF_BLOCK + threadIdx.y; }

// Calls what with the first column of each of this lane's vectors and the number of columns from there on.
template <int N, typename F> __device__ __forceinline__ void for_columns(int columns, F what)
{
    for (int c = threadIdx.x * N; c < columns; c += WARP * N) what(c, columns - c);
}

// The sum over a row of f of each element, in every lane.
template <int N, typename T, typename F> __device__ __forceinline__ float row_sum(const T* x, int columns, F f)
{
    float sum = 0;
    for_columns<N>(columns, [&](int c, int) {
        Vector<T, N> v = load<N>(x + c);
#pragma unroll
        for (int j = 0; j < N; j++) sum += f(to_float(v.at[j]));
    });
    return warp_sum(sum);
}

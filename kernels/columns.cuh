// Columns of a matrix over some of its rows: block (32, 8), N columns a thread, each eighth row.
#pragma once
#include "reduce.cuh"
#include "vector.cuh"

constexpr int COLUMNS = 32, ROWS = 8;

// The first column of this thread's vector; blocks of columns are the grid's x.
template <int N> __device__ __forceinline__ int first_column() { return (blockIdx.x * COLUMNS + threadIdx.x) * N; }

// Adds the rows of threads up, in their order, and writes the sum of each column from y on, of which count are there. The block may call it again at once.
template <int N> __device__ __forceinline__ void write_column_sums(const float (&sums)[N], float* y, int count)
{
    static_assert(N <= ROWS, "a row of threads adds up a column");
    __shared__ float parts[ROWS][N][COLUMNS];
#pragma unroll
    for (int j = 0; j < N; j++) parts[threadIdx.y][j][threadIdx.x] = sums[j];
    __syncthreads();
    if (threadIdx.y < N && (int)threadIdx.y < count)
    {
        float sum = 0;
#pragma unroll
        for (int row = 0; row < ROWS; row++) sum += parts[row][threadIdx.y][threadIdx.x];
        y[threadIdx.y] = sum;
    }
    __syncthreads();
}

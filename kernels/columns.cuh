// Columns of a matrix over some of its rows: block (32, 8), N columns a thread, each eighth row.
#pragma once
#include "reduce.cuh"
#include "vector.cuh"

constexpr int COLUMNS = 32, ROWS = 8;

// The first column of this thread's vector; blocks of columns are the grid's x.
template <int N> __device__ __forceinline__ int first_column() { return (blockIdx.x * COLUMNS + threadIdx.x) * N; }

// A column of the block's, and its place among them, for a thread of the first COLUMNS * N: neighbours have neighbouring columns.
template <int N> struct Neighbour
{
    static_assert(N <= ROWS, "a column has a thread");
    // Neighbouring columns of a thread's vector lie in different banks.
    static constexpr int Pitch = COLUMNS + WARP / N;
    int at = threadIdx.y * COLUMNS + threadIdx.x, column = blockIdx.x * COLUMNS * N + at;

    // Of the widest vectors every thread has a column.
    __device__ __forceinline__ bool is_inside(int columns) const { return (N == ROWS || at < COLUMNS * N) && column < columns; }
};

// Numbers of each column, which the block reads once, side by side, for the columns of this thread's vector: read(column, numbers). Those past the last column are undefined.
template <int Count, int N, typename F> __device__ __forceinline__ void take_column_numbers(float (&numbers)[Count][N], int columns, F read)
{
    __shared__ float all[Count][N][Neighbour<N>::Pitch];
    Neighbour<N> own;
    if (own.is_inside(columns))
    {
        float of_column[Count];
        read(own.column, of_column);
#pragma unroll
        for (int i = 0; i < Count; i++) all[i][own.at % N][own.at / N] = of_column[i];
    }
    __syncthreads();
    int count = columns - first_column<N>();
#pragma unroll
    for (int i = 0; i < Count; i++)
#pragma unroll
        for (int j = 0; j < N; j++)
            if (j < count) numbers[i][j] = all[i][j][threadIdx.x];
}

// Adds the rows of threads up, in their order, and writes the sum of each column to y, a row of so many. Before the block calls it again, all have to be through.
template <int N> __device__ __forceinline__ void write_column_sums(const float (&sums)[N], float* y, int columns)
{
    __shared__ float parts[ROWS][N][Neighbour<N>::Pitch];
#pragma unroll
    for (int j = 0; j < N; j++) parts[threadIdx.y][j][threadIdx.x] = sums[j];
    __syncthreads();
    Neighbour<N> own;
    if (own.is_inside(columns))
    {
        float sum = 0;
#pragma unroll
        for (int row = 0; row < ROWS; row++) sum += parts[row][own.at % N][own.at / N];
        y[own.column] = sum;
    }
}

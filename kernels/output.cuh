// What becomes of a product c[m, n]: y = activation(c + bias[n]) + shift[m / rows_per_shift, n] + residual[m, n].
#pragma once
#include "activation.cuh"
#include "vector.cuh"

// Rows of the product are those of the result.
struct InOrder
{
    __device__ __forceinline__ int operator()(int m) const { return m; }
};

template <typename T, class Place = InOrder> struct Output
{
    T* y;                     // [rows, columns]
    const float* bias;        // [columns] or null
    const T* shift;           // [rows / rows_per_shift, columns] or null
    const T* residual;        // [rows, columns] or null; may be y
    int rows, columns, rows_per_shift, activation;
    Place place;              // the result's row for a row of the product

    __device__ __forceinline__ float finish(float c, int m, int n) const
    {
        if (bias) c += bias[n];
        c = activate(c, activation);
        if (shift) c += to_float(shift[(u64)(m / rows_per_shift) * columns + n]);
        return c;
    }

    __device__ __forceinline__ void store(int m, int n, float c) const
    {
        if (m >= rows || n >= columns) return;
        u64 at = (u64)place(m) * columns + n;
        c = finish(c, m, n);
        y[at] = from_float<T>(residual ? c + to_float(residual[at]) : c);
    }

    __device__ __forceinline__ void store(int m, int n, const float (&c)[4]) const
    {
        for (int j = 0; j < 4; j++) store(m, n + j, c[j]);
    }

    // 16 rows that lie in shared memory, eight columns a lane. Loops, since activations are long and all of the sums' would be copies of them.
    template <class Rows> __device__ __forceinline__ void store(const float* c, int first_m, int first_n, int lane) const
    {
#pragma unroll 1
        for (int i = lane; i < 16 * Rows::Chunks; i += 32)
        {
            int m = first_m + i / Rows::Chunks, n = first_n + i % Rows::Chunks * 8;
            if (m >= rows || n >= columns) continue;
            if (columns % 8 != 0 || !aligned(y, residual))
            {
#pragma unroll 1
                for (int j = 0; j < 8; j++) store(m, n + j, Rows::at(c, i / Rows::Chunks, i % Rows::Chunks, j));
                continue;
            }
            float x[8];
            Rows::take(c, i / Rows::Chunks, i % Rows::Chunks, x);
            u64 at = (u64)place(m) * columns + n;
#pragma unroll
            for (int j = 0; j < 8; j++) x[j] = finish(x[j], m, n + j);
            if (residual)
            {
                Vector<T> r = load(residual + at);
#pragma unroll
                for (int j = 0; j < 8; j++) x[j] += to_float(r.at[j]);
            }
            Vector<T> to;
#pragma unroll
            for (int j = 0; j < 8; j++) to.at[j] = from_float<T>(x[j]);
            ::store(y + at, to);
        }
    }
};

// What becomes of a product c[m, n] that is a part of a sum: it is added to y, or lies apart until sum_parts adds all parts in their order.
#pragma once
#include "vector.cuh"

struct Sums
{
    float* y;                 // [rows, columns]
    int rows, columns, add;

    __device__ __forceinline__ void store(int m, int n, float c) const
    {
        if (m >= rows || n >= columns) return;
        u64 at = (u64)m * columns + n;
        y[at] = add ? y[at] + c : c;
    }

    __device__ __forceinline__ void store(int m, int n, const float (&c)[4]) const
    {
        for (int j = 0; j < 4; j++) store(m, n + j, c[j]);
    }

    // 16 rows that lie in shared memory, four columns a lane.
    template <class Rows> __device__ __forceinline__ void store(const float* c, int first_m, int first_n, int lane) const
    {
#pragma unroll
        for (int i = lane; i < 16 * 2 * Rows::Chunks; i += 32)
        {
            int row = i / (2 * Rows::Chunks), half = i % (2 * Rows::Chunks), m = first_m + row, n = first_n + half * 4;
            Vector<float> v = load(c + Rows::half_at(row, half / 2, half % 2));
            if (m >= rows || n >= columns) continue;
            if (columns % 4 != 0 || !aligned(y))
            {
#pragma unroll
                for (int j = 0; j < 4; j++) store(m, n + j, v.at[j]);
                continue;
            }
            float* to = y + (u64)m * columns + n;
            if (add)
            {
                Vector<float> before = load(to);
#pragma unroll
                for (int j = 0; j < 4; j++) v.at[j] += before.at[j];
            }
            ::store(to, v);
        }
    }
};

// The part of a sum over `depth` that a block has: parts are of equal length but for the last.
struct Part
{
    int first, count;

    __device__ __forceinline__ Part(int depth, int length) : first(blockIdx.z * length), count(min(length, depth - first)) {}
};

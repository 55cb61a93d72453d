// A product of floats without tensor cores, for checks.
//
// struct Epilogue { void store(int m, int n, const float (&c)[4]) };   // columns n to n + 3, some may be outside
#pragma once
#include "product.cuh"

// 64 × 64 outputs a CTA of 256 threads.
template <class A, class B, class Epilogue> __device__ __forceinline__ void gemm_float(const A& a, const B& b, int depth, int block_m, int block_n, const Epilogue& epilogue)
{
    __shared__ float rows[16][68], columns[16][68];
    float sums[4][4] = {};
    int m = threadIdx.x / 16 * 4, n = threadIdx.x % 16 * 4, line = threadIdx.x / 4, k = threadIdx.x % 4 * 4;
    typename A::Row row = a.row(block_m * 64 + line);
    typename B::Row column = b.row(block_n * 64 + line);
    typename A::Column ka = a.column(k);
    typename B::Column kb = b.column(k);
    for (int step = 0; step < depth; step += 16)
    {
        typename A::Column ia = ka;
        typename B::Column ib = kb;
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            const float *from_a = a.at(row, ia), *from_b = b.at(column, ib);
            rows[k + i][line] = from_a ? *from_a : 0;
            columns[k + i][line] = from_b ? *from_b : 0;
            a.advance(ia, 1);
            b.advance(ib, 1);
        }
        a.advance(ka, 16);
        b.advance(kb, 16);
        __syncthreads();
#pragma unroll
        for (int kk = 0; kk < 16; kk++)
        {
            float4 x = *(float4*)&rows[kk][m], y = *(float4*)&columns[kk][n];
            float xs[4] = {x.x, x.y, x.z, x.w}, ys[4] = {y.x, y.y, y.z, y.w};
#pragma unroll
            for (int i = 0; i < 4; i++)
#pragma unroll
                for (int j = 0; j < 4; j++) sums[i][j] = fmaf(xs[i], ys[j], sums[i][j]);
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 4; i++) epilogue.store(block_m * 64 + m + i, block_n * 64 + n, sums[i]);
}

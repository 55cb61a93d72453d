// A product of floats without tensor cores, for checks.
//
// struct Epilogue { void store(int m, int n, const float (&c)[4]) };   // columns n to n + 3, some may be outside
#pragma once
#include "product.cuh"

// Four elements of a row, zeros where there are none.
template <class Input> __device__ __forceinline__ void bring(float (&x)[4], const Input& input, bool whole, typename Input::Row row, typename Input::Column column)
{
    if (whole)
    {
        const float* from = input.at(row, column);
        float4 v = from ? *(const float4*)from : make_float4(0, 0, 0, 0);
        x[0] = v.x, x[1] = v.y, x[2] = v.z, x[3] = v.w;
    }
    else
    {
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            const float* from = input.at(row, column);
            x[i] = from ? *from : 0;
            input.advance(column, 1);
        }
    }
}

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
    bool whole_a = a.whole(), whole_b = b.whole();
    for (int step = 0; step < depth; step += 16)
    {
        float x[4], y[4];
        bring(x, a, whole_a, row, ka);
        bring(y, b, whole_b, column, kb);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            rows[k + i][line] = x[i];
            columns[k + i][line] = y[i];
        }
        a.advance(ka, 16);
        b.advance(kb, 16);
        __syncthreads();
#pragma unroll
        for (int kk = 0; kk < 16; kk++)
        {
            float4 u = *(float4*)&rows[kk][m], v = *(float4*)&columns[kk][n];
            float xs[4] = {u.x, u.y, u.z, u.w}, ys[4] = {v.x, v.y, v.z, v.w};
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

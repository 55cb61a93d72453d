// Sums and maxima over a warp and over a block, always in the same order.
#pragma once

constexpr int WARP = 32;

template <typename S> __device__ __forceinline__ S warp_sum(S x)
{
#pragma unroll
    for (int lane = WARP / 2; lane > 0; lane /= 2) x += __shfl_xor_sync(~0u, x, lane);
    return x;
}

__device__ __forceinline__ float warp_max(float x)
{
#pragma unroll
    for (int lane = WARP / 2; lane > 0; lane /= 2) x = fmaxf(x, __shfl_xor_sync(~0u, x, lane));
    return x;
}

// The sum over a block of whole warps, in every thread; parts has a place for each warp; the next sum needs others, and the next but one may have these.
template <typename S> __device__ __forceinline__ S block_sum(S x, S* parts)
{
    x = warp_sum(x);
    if (threadIdx.x % WARP == 0) parts[threadIdx.x / WARP] = x;
    __syncthreads();
    S sum = 0;
    for (int warp = 0; warp < blockDim.x / WARP; warp++) sum += parts[warp];
    return sum;
}

// Count, mean, and sum of squared deviations of some numbers.
struct Moments
{
    float count, mean, squares;
};

// Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
__device__ __forceinline__ Moments merge(Moments a, Moments b)
{
    float count = a.count + b.count, part = count > 0 ? b.count / count : 0.0f, difference = b.mean - a.mean;
    return {count, a.mean + difference * part, a.squares + b.squares + difference * difference * a.count * part};
}

__device__ __forceinline__ Moments warp_merge(Moments m)
{
#pragma unroll
    for (int lane = WARP / 2; lane > 0; lane /= 2)
        m = merge(m, {__shfl_down_sync(~0u, m.count, lane), __shfl_down_sync(~0u, m.mean, lane), __shfl_down_sync(~0u, m.squares, lane)});
    return m;
}

// copy: y = x, converted
// x [n] F, y [n] T
// grid ceil(n / (256 * 8)), block 256
// reads x once, writes y once: memory bound; deterministic
#include "vector.cuh"

constexpr int THREADS = 256, ELEMENTS = 8;

template <typename F, typename T> __device__ __forceinline__ void copy(const F* x, T* y, long long n)
{
    long long first = blockIdx.x * (long long)(THREADS * ELEMENTS) + threadIdx.x;
#pragma unroll
    for (int j = 0; j < ELEMENTS; j++)
    {
        long long i = first + j * THREADS;
        if (i < n) y[i] = from_float<T>(to_float(x[i]));
    }
}

#define ENTRY(F, from, T, to) extern "C" __global__ void __launch_bounds__(THREADS) copy_##from##_##to(const F* x, T* y, long long n) { copy<F, T>(x, y, n); }
ENTRY(float, f32, f16, f16)
ENTRY(float, f32, bf16, bf16)
ENTRY(f16, f16, float, f32)
ENTRY(f16, f16, bf16, bf16)
ENTRY(bf16, bf16, float, f32)
ENTRY(bf16, bf16, f16, f16)

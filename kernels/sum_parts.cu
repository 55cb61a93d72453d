// sum_parts: y[s, i] += the sum of parts[s, p, i] over p, in their order
// parts [samples, count, n] f32; y [samples, n] f32 or T
// grid (ceil(n / 256), samples), block 256: a thread an element
// reads each part once, reads and writes y once: memory bound; deterministic
#include "half.cuh"

template <typename T> __device__ __forceinline__ void sum_parts(const float* parts, T* y, int count, long long n)
{
    long long i = blockIdx.x * 256LL + threadIdx.x;
    if (i >= n) return;
    parts += blockIdx.y * count * n + i;
    y += blockIdx.y * n + i;
    float sum = 0;
    for (int p = 0; p < count; p++) sum += parts[p * n];
    *y = from_float<T>(to_float(*y) + sum);
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(256) sum_parts_##name(const float* parts, T* y, int count, long long n) { sum_parts<T>(parts, y, count, n); }
FOR_EACH_FLOAT(ENTRY)

// squared_error_backward: dx[b] = scale[b] * 2 / n * (a[b] - b[b]), or that added to it
// a, b, dx [B, n] T; scale [B] f32
// grid (ceil(n / (256 * 16 / sizeof(T))), B), block 256
// reads a, b and perhaps dx once, writes dx once: memory bound; deterministic
#include "vector.cuh"

template <typename T> __device__ __forceinline__ void squared_error_backward(const T* a, const T* b, const float* scale, T* dx, long long n, int add)
{
    constexpr int N = Vector<T>::N;
    long long i = first_element<N>(), sample = blockIdx.y * n;
    if (i >= n) return;
    int count = n - i < N ? (int)(n - i) : N;
    bool whole = n % N == 0 && aligned(a, b, dx);
    float factor = 2.0f * scale[blockIdx.y] / n;
    i += sample;
    Vector<T> x = load(a + i, count, whole), y = load(b + i, count, whole), d = add ? load(dx + i, count, whole) : Vector<T>{};
#pragma unroll
    for (int j = 0; j < N; j++) d.at[j] = from_float<T>(factor * (to_float(x.at[j]) - to_float(y.at[j])) + to_float(d.at[j]));
    store(dx + i, d, count, whole);
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(256) squared_error_backward_##name(const T* a, const T* b, const float* scale, T* dx, long long n, int add) \
    { \
        squared_error_backward<T>(a, b, scale, dx, n, add); \
    }
FOR_EACH_FLOAT(ENTRY)

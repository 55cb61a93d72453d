// activate: y = activation(x), elementwise
// x, y [n] T; y may be x; activation: PeaEngine.Activation
// grid ceil(n / (256 * 16 / sizeof(T))), block 256
// reads x once, writes y once, 16 bytes a thread where both are aligned to that: memory bound
// overwrites y; deterministic
#include "activation.cuh"
#include "vector.cuh"

template <typename T> __device__ __forceinline__ void activate(const T* x, T* y, long long n, int activation)
{
    constexpr int N = Vector<T>::N;
    long long i = first_element<N>();
    if (i + N <= n && aligned(x, y))
    {
        Vector<T> v = load(x + i);
#pragma unroll
        for (int j = 0; j < N; j++) v.at[j] = from_float<T>(activate(to_float(v.at[j]), activation));
        store(y + i, v);
    }
    else
        for (long long end = i + N < n ? i + N : n; i < end; i++) y[i] = from_float<T>(activate(to_float(x[i]), activation));
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(256) activate_##name(const T* x, T* y, long long n, int activation) { activate<T>(x, y, n, activation); }
FOR_EACH_FLOAT(ENTRY)

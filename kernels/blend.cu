// blend: y = a * (1 - mask) + b * mask, elementwise; each operation is rounded, as the reference's separate ones round
// a, b, mask, y [n] T; y may be any of the others
// grid ceil(n / (256 * 16 / sizeof(T))), block 256
// reads three, writes one: memory bound; deterministic
#include "vector.cuh"

template <typename T> __device__ __forceinline__ void blend(const T* a, const T* b, const T* mask, T* y, long long n)
{
    constexpr int N = Vector<T>::N;
    long long i = first_element<N>();
    int left = n - i < N ? (int)(n - i) : N;
    bool whole = left == N && aligned(a, b, mask, y);
    Vector<T> u = load(a + i, left, whole), v = load(b + i, left, whole), m = load(mask + i, left, whole);
#pragma unroll
    for (int j = 0; j < N; j++)
    {
        float share = to_float(m.at[j]);
        u.at[j] = from_float<T>(__fadd_rn(__fmul_rn(to_float(u.at[j]), 1.0f - share), __fmul_rn(to_float(v.at[j]), share)));
    }
    store(y + i, u, left, whole);
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(256) blend_##name(const T* a, const T* b, const T* mask, T* y, long long n) { blend<T>(a, b, mask, y, n); }
FOR_EACH_FLOAT(ENTRY)

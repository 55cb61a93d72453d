// activate_backward: dx = dy · activation'(x), elementwise
// x, dy, dx [n] T; dx may be dy; activation: PeaEngine.Activation
// grid ceil(n / (256 * 16 / sizeof(T))), block 256
// reads x and dy once, writes dx once, 16 bytes a thread where all are aligned to that: memory bound
// overwrites dx; deterministic
#include "activation.cuh"
#include "vector.cuh"

template <typename T> __device__ __forceinline__ void activate_backward(const T* x, const T* dy, T* dx, long long n, int activation)
{
    constexpr int N = Vector<T>::N;
    long long i = first_element<N>();
    int count = n - i < N ? (int)(n - i) : N;
    bool whole = count == N && aligned(x, dy, dx);
    Vector<T> v = load(x + i, count, whole), d = load(dy + i, count, whole);
#pragma unroll
    for (int j = 0; j < N; j++)
    {
        float value;
        d.at[j] = from_float<T>(to_float(d.at[j]) * derivative(to_float(v.at[j]), activation, value));
    }
    store(dx + i, d, count, whole);
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(256) activate_backward_##name(const T* x, const T* dy, T* dx, long long n, int activation) { activate_backward<T>(x, dy, dx, n, activation); }
FOR_EACH_FLOAT(ENTRY)

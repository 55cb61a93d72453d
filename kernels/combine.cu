// combine: y = sum of coefficient * tensor over one to eight terms, in their order; each product and sum is rounded, as the reference's separate operations round
// y, terms [n] T; y may be a term; terms beyond count are null
// combine_at reads its coefficients, c [count] F32, from memory, so that a launch in a graph has those of its time
// grid ceil(n / (256 * 16 / sizeof(T))), block 256
// reads each term once, writes y once: memory bound; deterministic
#include "vector.cuh"

constexpr int TERMS = 8;

template <typename T> struct Terms
{
    const T* x[TERMS];
    float c[TERMS];
};

template <typename T> __device__ __forceinline__ void combine(T* y, long long n, int count, const Terms<T>& terms)
{
    constexpr int N = Vector<T>::N;
    long long i = first_element<N>();
    int left = n - i < N ? (int)(n - i) : N;
    u64 addresses = (u64)y;
#pragma unroll
    for (int t = 0; t < TERMS; t++) addresses |= (u64)terms.x[t];
    bool whole = left == N && aligned((const void*)addresses);
    float sum[N];
#pragma unroll
    for (int t = 0; t < TERMS; t++)
        if (t < count)
        {
            Vector<T> v = load(terms.x[t] + i, left, whole);
#pragma unroll
            for (int j = 0; j < N; j++)
            {
                float product = __fmul_rn(terms.c[t], to_float(v.at[j]));
                sum[j] = t == 0 ? product : __fadd_rn(sum[j], product);
            }
        }
    Vector<T> v;
#pragma unroll
    for (int j = 0; j < N; j++) v.at[j] = from_float<T>(sum[j]);
    store(y + i, v, left, whole);
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(256) combine_##name(T* y, long long n, int count, const T* x0, const T* x1, const T* x2, const T* x3, const T* x4, const T* x5, const T* x6, const T* x7, \
        float c0, float c1, float c2, float c3, float c4, float c5, float c6, float c7) \
    { \
        combine<T>(y, n, count, {{x0, x1, x2, x3, x4, x5, x6, x7}, {c0, c1, c2, c3, c4, c5, c6, c7}}); \
    }
FOR_EACH_FLOAT(ENTRY)

extern "C" __global__ void __launch_bounds__(256) combine_at_f32(float* y, long long n, int count, const float* c, const float* x0, const float* x1, const float* x2, const float* x3, const float* x4,
    const float* x5, const float* x6, const float* x7)
{
    Terms<float> terms = {{x0, x1, x2, x3, x4, x5, x6, x7}, {}};
#pragma unroll
    for (int t = 0; t < TERMS; t++)
        if (t < count) terms.c[t] = c[t];
    combine<float>(y, n, count, terms);
}

// 16 bytes at a time, the widest that a thread reads and writes: four floats or eight 16-bit floats. Or as few as one element, for addresses of which nothing is known.
#pragma once
#include "half.cuh"

template <typename T, int N_ = 16 / sizeof(T)> struct alignas(N_ * sizeof(T)) Vector
{
    static constexpr int N = N_;
    T at[N];
};

// x has to be aligned to the vector's bytes.
template <int N, typename T> __device__ __forceinline__ Vector<T, N> load(const T* x) { return *reinterpret_cast<const Vector<T, N>*>(x); }

template <typename T> __device__ __forceinline__ Vector<T> load(const T* x) { return load<Vector<T>::N>(x); }

template <typename T, int N> __device__ __forceinline__ void store(T* y, const Vector<T, N>& v) { *reinterpret_cast<Vector<T, N>*>(y) = v; }

// The same where only the first count elements are there: the others are zeros, and are not written. whole: a count of N can be taken at once, since x is aligned.
template <typename T> __device__ __forceinline__ Vector<T> load(const T* x, int count, bool whole)
{
    if (whole) return load(x);
    Vector<T> v;
#pragma unroll
    for (int j = 0; j < Vector<T>::N; j++) v.at[j] = j < count ? x[j] : T{};
    return v;
}

template <typename T> __device__ __forceinline__ void store(T* y, const Vector<T>& v, int count, bool whole)
{
    if (whole) store(y, v);
    else
    {
#pragma unroll
        for (int j = 0; j < Vector<T>::N; j++)
            if (j < count) y[j] = v.at[j];
    }
}

// N floats beside as many elements of another type: x has to be aligned to 16 bytes, or to what N floats are.
template <int N> __device__ __forceinline__ void load_floats(float (&y)[N], const float* x)
{
    constexpr int Step = N < Vector<float>::N ? N : Vector<float>::N;
#pragma unroll
    for (int j = 0; j < N; j += Step)
    {
        Vector<float, Step> v = load<Step>(x + j);
#pragma unroll
        for (int l = 0; l < Step; l++) y[j + l] = v.at[l];
    }
}

// Whether all of the addresses, and so whatever follows in steps of 16 bytes, can be read and written by vectors.
__device__ __forceinline__ bool aligned(const void* a, const void* b = nullptr, const void* c = nullptr, const void* d = nullptr)
{
    return (((unsigned long long)a | (unsigned long long)b | (unsigned long long)c | (unsigned long long)d) & 15) == 0;
}

// The first element of this thread's vector of N, counted over the grid.
template <int N> __device__ __forceinline__ long long first_element() { return (blockIdx.x * (long long)blockDim.x + threadIdx.x) * N; }

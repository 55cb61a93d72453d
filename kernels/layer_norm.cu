// layer_norm: y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, with the mean and the biased variance of each row
// x, y [rows, C] T; gamma, beta [C] f32; y may be x
// grid ceil(rows / 4), block (32, 4): a warp a row
// reads x three times, twice of them from the first cache, writes y once: memory bound; deterministic
#include "rows.cuh"

template <int N, typename T> __device__ __forceinline__ void normalise(const T* x, const float* gamma, const float* beta, T* y, int channels, float epsilon)
{
    float mean = row_sum<N>(x, channels, [](float value) { return value; }) / channels;
    float variance = row_sum<N>(x, channels, [=](float value) { return (value - mean) * (value - mean); }) / channels;
    float factor = rsqrtf(variance + epsilon);
    for_columns<N>(channels, [&](int c, int) {
        Vector<T, N> v = load<N>(x + c);
        float factors[N], shifts[N];
        load_floats(factors, gamma + c);
        load_floats(shifts, beta + c);
#pragma unroll
        for (int j = 0; j < N; j++) v.at[j] = from_float<T>((to_float(v.at[j]) - mean) * factor * factors[j] + shifts[j]);
        store(y + c, v);
    });
}

template <typename T> __device__ __forceinline__ void layer_norm(const T* x, const float* gamma, const float* beta, T* y, int rows, int channels, float epsilon)
{
    constexpr int N = Vector<T>::N;
    int row = row_of_warp();
    if (row >= rows) return;
    bool whole = channels % N == 0 && aligned(x, gamma, beta, y);
    x += (long long)row * channels;
    y += (long long)row * channels;
    if (whole) normalise<N>(x, gamma, beta, y, channels, epsilon);
    else normalise<1>(x, gamma, beta, y, channels, epsilon);
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(WARP * ROWS_OF_BLOCK) layer_norm_##name(const T* x, const float* gamma, const float* beta, T* y, int rows, int channels, float epsilon) \
    { \
        layer_norm<T>(x, gamma, beta, y, rows, channels, epsilon); \
    }
FOR_EACH_FLOAT(ENTRY)

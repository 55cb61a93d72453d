// rms_norm: y = gamma * x / sqrt(mean of x^2 + epsilon) of each row
// x, y [rows, C] T; gamma [C] f32; y may be x
// grid ceil(rows / 4), block (32, 4): a warp a row
// reads x twice, once of them from the first cache, writes y once: memory bound; deterministic
#include "rows.cuh"

template <int N, typename T> __device__ __forceinline__ void normalise(const T* x, const float* gamma, T* y, int channels, float epsilon)
{
    float factor = rsqrtf(row_sum<N>(x, channels, [](float value) { return value * value; }) / channels + epsilon);
    for_columns<N>(channels, [&](int c, int) {
        Vector<T, N> v = load<N>(x + c);
        float factors[N];
        load_floats(factors, gamma + c);
#pragma unroll
        for (int j = 0; j < N; j++) v.at[j] = from_float<T>(to_float(v.at[j]) * factor * factors[j]);
        store(y + c, v);
    });
}

template <typename T> __device__ __forceinline__ void rms_norm(const T* x, const float* gamma, T* y, int rows, int channels, float epsilon)
{
    constexpr int N = Vector<T>::N;
    int row = row_of_warp();
    if (row >= rows) return;
    bool whole = channels % N == 0 && aligned(x, gamma, y);
    x += (long long)row * channels;
    y += (long long)row * channels;
    if (whole) normalise<N>(x, gamma, y, channels, epsilon);
    else normalise<1>(x, gamma, y, channels, epsilon);
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(WARP * ROWS_OF_BLOCK) rms_norm_##name(const T* x, const float* gamma, T* y, int rows, int channels, float epsilon) \
    { \
        rms_norm<T>(x, gamma, y, rows, channels, epsilon); \
    }
FOR_EACH_FLOAT(ENTRY)

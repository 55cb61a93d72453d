// The gradients of norms over rows: with m the mean of x (or nothing taken off), r = 1 / sqrt(mean((x - m)^2) + epsilon), n = (x - m) * r the normalised x and d = gamma * dy,
// dx = (d - mean(d) - n * mean(d * n)) * r + residual, where mean(d) belongs to the mean taken off.
// x, dy, dx, residual [rows, channels] T; gamma [channels] f32; dx may be dy or residual
#pragma once
#include "columns.cuh"
#include "rows.cuh"

// Channels of rows that are kept in registers: 40 of a lane.
constexpr int SHORT_ROW = 1280;

struct RowStatistics { float mean, factor; };

template <bool Centred, int N, typename T> __device__ __forceinline__ RowStatistics statistics_by(const T* x, int channels, float epsilon)
{
    float mean = Centred ? row_sum<N>(x, channels, [](float value) { return value; }) / channels : 0.0f;
    float variance = row_sum<N>(x, channels, [=](float value) { return (value - mean) * (value - mean); }) / channels;
    return {mean, rsqrtf(variance + epsilon)};
}

template <bool Centred, typename T> __device__ __forceinline__ RowStatistics statistics_of(const T* x, int channels, bool whole, float epsilon)
{
    return whole ? statistics_by<Centred, Vector<T>::N>(x, channels, epsilon) : statistics_by<Centred, 1>(x, channels, epsilon);
}

// N floats where only the first count of them are there: the others are zeros.
template <int N> __device__ __forceinline__ void load_floats(float (&y)[N], const float* x, int count, bool whole)
{
    if (whole) load_floats(y, x);
    else
    {
#pragma unroll
        for (int j = 0; j < N; j++) y[j] = j < count ? x[j] : 0;
    }
}

// Calls what with the number and the first column of each of this lane's vectors, of which there are Count at most.
template <int Count, int N, typename F> __device__ __forceinline__ void for_few_columns(int columns, F what)
{
#pragma unroll
    for (int i = 0; i < Count; i++)
    {
        int c = (i * WARP + threadIdx.x) * N;
        if (c < columns) what(i, c);
    }
}

// A row of whole vectors of which a lane has few: x and dy stay in registers.
template <bool Centred, typename T>
__device__ __forceinline__ void short_row_norm_backward(const T* x, const float* gamma, const T* dy, const T* residual, T* dx, int channels, float epsilon)
{
    constexpr int N = Vector<T>::N, Count = SHORT_ROW / (WARP * N);
    Vector<T> v[Count], g[Count];
    for_few_columns<Count, N>(channels, [&](int i, int c) { v[i] = load(x + c), g[i] = load(dy + c); });
    float mean = 0, sum = 0;
    if (Centred)
    {
        for_few_columns<Count, N>(channels, [&](int i, int) {
#pragma unroll
            for (int j = 0; j < N; j++) sum += to_float(v[i].at[j]);
        });
        mean = warp_sum(sum) / channels;
    }
    float squares = 0;
    for_few_columns<Count, N>(channels, [&](int i, int) {
#pragma unroll
        for (int j = 0; j < N; j++) squares += (to_float(v[i].at[j]) - mean) * (to_float(v[i].at[j]) - mean);
    });
    float factor = rsqrtf(warp_sum(squares) / channels + epsilon), product = 0;
    sum = 0;
    for_few_columns<Count, N>(channels, [&](int i, int c) {
        float factors[N];
        load_floats(factors, gamma + c);
#pragma unroll
        for (int j = 0; j < N; j++)
        {
            float d = factors[j] * to_float(g[i].at[j]);
            sum += d;
            product += d * (to_float(v[i].at[j]) - mean);
        }
    });
    float mean_slope = Centred ? warp_sum(sum) / channels : 0.0f, slope = warp_sum(product) * factor * factor / channels;
    for_few_columns<Count, N>(channels, [&](int i, int c) {
        float factors[N];
        load_floats(factors, gamma + c);
        Vector<T> r = residual ? load(residual + c) : Vector<T>{}, to;
#pragma unroll
        for (int j = 0; j < N; j++) to.at[j] = from_float<T>((factors[j] * to_float(g[i].at[j]) - mean_slope - (to_float(v[i].at[j]) - mean) * slope) * factor + to_float(r.at[j]));
        store(dx + c, to);
    });
}

// Gradients of x. Grid ceil(rows / 4), block (32, 4): a warp a row. Reads x and dy once, of long rows x four times (three without a mean) and dy twice, all but once of them from the first cache,
// writes dx once: memory bound.
template <bool Centred, typename T>
__device__ __forceinline__ void row_norm_backward(const T* x, const float* gamma, const T* dy, const T* residual, T* dx, int rows, int channels, float epsilon)
{
    constexpr int N = Vector<T>::N;
    int row = row_of_warp();
    if (row >= rows) return;
    long long at = (long long)row * channels;
    bool whole = channels % N == 0 && aligned((const void*)((u64)x | (u64)gamma), dy, dx, residual);
    x += at;
    dy += at;
    dx += at;
    if (residual) residual += at;
    if (whole && channels <= SHORT_ROW)
    {
        short_row_norm_backward<Centred>(x, gamma, dy, residual, dx, channels, epsilon);
        return;
    }
    RowStatistics s = statistics_of<Centred>(x, channels, whole, epsilon);
    float sum = 0, product = 0;
    for_columns<N>(channels, [&](int c, int count) {
        Vector<T> v = load(x + c, count, whole), g = load(dy + c, count, whole);
        float factors[N];
        load_floats(factors, gamma + c, count, whole);
#pragma unroll
        for (int j = 0; j < N; j++)
        {
            float d = factors[j] * to_float(g.at[j]);
            sum += d;
            product += d * (to_float(v.at[j]) - s.mean);
        }
    });
    float mean = Centred ? warp_sum(sum) / channels : 0.0f, slope = warp_sum(product) * s.factor * s.factor / channels;
    for_columns<N>(channels, [&](int c, int count) {
        Vector<T> v = load(x + c, count, whole), g = load(dy + c, count, whole), r = residual ? load(residual + c, count, whole) : Vector<T>{};
        float factors[N];
        load_floats(factors, gamma + c, count, whole);
#pragma unroll
        for (int j = 0; j < N; j++)
        {
            float d = factors[j] * to_float(g.at[j]);
            g.at[j] = from_float<T>((d - mean - (to_float(v.at[j]) - s.mean) * slope) * s.factor + to_float(r.at[j]));
        }
        store(dx + c, g, count, whole);
    });
}

// Statistics of each row, for the gradients of gamma and beta. statistics [rows] f32 x 2; grid ceil(rows / 4), block (32, 4)
template <bool Centred, typename T> __device__ __forceinline__ void row_norm_statistics(const T* x, RowStatistics* statistics, int rows, int channels, float epsilon)
{
    int row = row_of_warp();
    if (row >= rows) return;
    bool whole = channels % Vector<T>::N == 0 && aligned(x);
    RowStatistics s = statistics_of<Centred>(x + (long long)row * channels, channels, whole, epsilon);
    if (threadIdx.x == 0) statistics[row] = s;
}

// Sums of dy * n, and of dy, over a chunk of rows: parts of the gradients of gamma and beta, which sum_parts adds up.
// gammas, betas [chunks, channels] f32, betas only of a norm that is centred; grid (ceil(channels / (32 * 16 / sizeof(T))), chunks), block (32, 8)
template <bool Centred, typename T>
__device__ __forceinline__ void row_norm_parameters(const T* x, const T* dy, const RowStatistics* statistics, float* gammas, float* betas, int rows, int channels, int chunk)
{
    constexpr int N = Vector<T>::N;
    int c = first_column<N>(), count = channels - c, first = blockIdx.y * chunk, last = min(first + chunk, rows);
    bool whole = channels % N == 0 && aligned(x, dy);
    float products[N] = {}, sums[N] = {};
    if (count > 0)
        for (int row = first + threadIdx.y; row < last; row += ROWS)
        {
            RowStatistics s = statistics[row];
            long long at = (long long)row * channels + c;
            Vector<T> v = load(x + at, count, whole), g = load(dy + at, count, whole);
#pragma unroll
            for (int j = 0; j < N; j++)
            {
                float d = to_float(g.at[j]);
                products[j] += d * (to_float(v.at[j]) - s.mean) * s.factor;
                sums[j] += d;
            }
        }
    long long at = (long long)blockIdx.y * channels;
    write_column_sums(products, gammas + at, channels);
    if (Centred)
    {
        __syncthreads();
        write_column_sums(sums, betas + at, channels);
    }
}

#define ROW_NORM_BACKWARD(T, norm, name, centred) \
    extern "C" __global__ void __launch_bounds__(WARP * ROWS_OF_BLOCK) norm##_backward_##name(const T* x, const float* gamma, const T* dy, const T* residual, T* dx, int rows, int channels, float epsilon) \
    { \
        row_norm_backward<centred>(x, gamma, dy, residual, dx, rows, channels, epsilon); \
    } \
    extern "C" __global__ void __launch_bounds__(WARP * ROWS_OF_BLOCK) norm##_backward_statistics_##name(const T* x, RowStatistics* statistics, int rows, int channels, float epsilon) \
    { \
        row_norm_statistics<centred>(x, statistics, rows, channels, epsilon); \
    } \
    extern "C" __global__ void __launch_bounds__(COLUMNS * ROWS) norm##_backward_parameters_##name(const T* x, const T* dy, const RowStatistics* statistics, float* gammas, float* betas, \
        int rows, int channels, int chunk) \
    { \
        row_norm_parameters<centred>(x, dy, statistics, gammas, betas, rows, channels, chunk); \
    }

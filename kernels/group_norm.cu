// group_norm: y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, then SiLU if asked, with the mean and the biased variance of each sample's groups
// x, y [B, P, C] T, P pixels; gamma, beta [C] f32; any C and any group size; y may be x
// Three launches, so that pixels are spread over the device: each chunk of pixels leaves moments of its channels, a block a group merges them, and
// all is normalised. Sums are about a pixel's own value, merged in an order that follows from the shape: deterministic.
// x is read twice, y written once: memory bound
#include "activation.cuh"
#include "reduce.cuh"
#include "vector.cuh"

constexpr int COLUMNS = 32, ROWS = 8, MERGERS = 256;

// group_norm_moments: mean and sum of squared deviations of each channel over a chunk's pixels
// moments [B, chunks, C] f32 x 2
// grid (chunks, ceil(C / (32 * 16 / sizeof(T))), B), block (32, 8), shared 9 KB or 17
template <typename T> __device__ __forceinline__ void moments_of_chunk(const T* x, float2* moments, int pixels, int channels, int chunk)
{
    constexpr int N = Vector<T>::N;
    static_assert(N <= ROWS, "a thread merges a channel");
    // Padded so that neighbouring channels lie in different banks.
    __shared__ float2 parts[ROWS][N][COLUMNS + 16 / N];
    int c = (blockIdx.y * COLUMNS + threadIdx.x) * N, first = blockIdx.x * chunk, last = min(first + chunk, pixels), count = channels - c;
    bool whole = channels % N == 0 && aligned(x);
    const T* image = x + (long long)blockIdx.z * pixels * channels;
    float sum[N] = {}, squares[N] = {};
    if (count > 0)
    {
        const T* column = image + c;
        Vector<T> origin = load(column + (long long)first * channels, count, whole);
        for (int p = first + threadIdx.y; p < last; p += ROWS)
        {
            Vector<T> v = load(column + (long long)p * channels, count, whole);
#pragma unroll
            for (int j = 0; j < N; j++)
            {
                float d = to_float(v.at[j]) - to_float(origin.at[j]);
                sum[j] += d;
                squares[j] += d * d;
            }
        }
    }
#pragma unroll
    for (int j = 0; j < N; j++) parts[threadIdx.y][j][threadIdx.x] = {sum[j], squares[j]};
    __syncthreads();
    int at = threadIdx.y * COLUMNS + threadIdx.x, channel = blockIdx.y * COLUMNS * N + at;
    if ((N < ROWS && at >= COLUMNS * N) || channel >= channels) return;
    float s = 0, q = 0;
#pragma unroll
    for (int row = 0; row < ROWS; row++)
    {
        float2 part = parts[row][at % N][at / N];
        s += part.x;
        q += part.y;
    }
    float n = last - first;
    moments[((long long)blockIdx.z * gridDim.x + blockIdx.x) * channels + channel] =
        {to_float(image[(long long)first * channels + channel]) + s / n, fmaxf(q - s * s / n, 0.0f)};
}

// group_norm_merge: each channel's mean and factor gamma / sqrt(variance + epsilon), of its group
// moments [B, chunks, C] f32 x 2; gamma null for ones; factors [B, C] f32 x 2
// grid (groups, B), block 256
extern "C" __global__ void __launch_bounds__(MERGERS) group_norm_merge(const float2* moments, const float* gamma, float2* factors, int pixels, int channels, int chunk, int chunks, float epsilon)
{
    __shared__ Moments parts[MERGERS / WARP];
    __shared__ float2 group;
    int size = channels / gridDim.x, first = blockIdx.x * size;
    Moments m = {};
    for (int i = threadIdx.x; i < chunks * size; i += MERGERS)
    {
        int at = i / size;
        float2 next = moments[((long long)blockIdx.y * chunks + at) * channels + first + i % size];
        m = merge(m, {(float)min(chunk, pixels - at * chunk), next.x, next.y});
    }
    m = warp_merge(m);
    if (threadIdx.x % WARP == 0) parts[threadIdx.x / WARP] = m;
    __syncthreads();
    if (threadIdx.x == 0)
    {
        for (int warp = 1; warp < MERGERS / WARP; warp++) m = merge(m, parts[warp]);
        group = {m.mean, rsqrtf(m.squares / m.count + epsilon)};
    }
    __syncthreads();
    for (int i = threadIdx.x; i < size; i += MERGERS) factors[(long long)blockIdx.y * channels + first + i] = {group.x, gamma ? group.y * gamma[first + i] : group.y};
}

// group_norm_apply: y = (x - mean) * factor + beta, then SiLU if asked
// factors [B, C] f32 x 2
// grid (ceil(P / chunk), ceil(C / (32 * 16 / sizeof(T))), B), block (32, 8), shared 2 KB or 4
template <typename T> __device__ __forceinline__ void apply(const T* x, const float2* factors, const float* beta, T* y, int pixels, int channels, int chunk, int silu_follows)
{
    constexpr int N = Vector<T>::N;
    int c = (blockIdx.y * COLUMNS + threadIdx.x) * N, first = blockIdx.x * chunk, last = min(first + chunk, pixels), count = channels - c;
    // The block reads each channel's numbers once, side by side. Padded so that neighbouring channels lie in different banks.
    __shared__ float means[N][COLUMNS + 32 / N], scales[N][COLUMNS + 32 / N], shifts[N][COLUMNS + 32 / N];
    int at = threadIdx.y * COLUMNS + threadIdx.x, channel = blockIdx.y * COLUMNS * N + at;
    if ((N == ROWS || at < COLUMNS * N) && channel < channels)
    {
        float2 f = factors[(long long)blockIdx.z * channels + channel];
        means[at % N][at / N] = f.x;
        scales[at % N][at / N] = f.y;
        shifts[at % N][at / N] = beta[channel];
    }
    __syncthreads();
    if (count <= 0) return;
    bool whole = channels % N == 0 && aligned(x, y);
    float mean[N], factor[N], shift[N];
#pragma unroll
    for (int j = 0; j < N; j++)
        if (j < count)
        {
            mean[j] = means[j][threadIdx.x];
            factor[j] = scales[j][threadIdx.x];
            shift[j] = shifts[j][threadIdx.x];
        }
    long long image = (long long)blockIdx.z * pixels * channels + c;
    for (int p = first + threadIdx.y; p < last; p += ROWS)
    {
        long long at = image + (long long)p * channels;
        Vector<T> v = load(x + at, count, whole);
#pragma unroll
        for (int j = 0; j < N; j++)
        {
            float z = (to_float(v.at[j]) - mean[j]) * factor[j] + shift[j];
            v.at[j] = from_float<T>(silu_follows ? silu(z) : z);
        }
        store(y + at, v, count, whole);
    }
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(COLUMNS * ROWS) group_norm_moments_##name(const T* x, float2* moments, int pixels, int channels, int chunk) \
    { \
        moments_of_chunk<T>(x, moments, pixels, channels, chunk); \
    } \
    extern "C" __global__ void __launch_bounds__(COLUMNS * ROWS) group_norm_apply_##name(const T* x, const float2* factors, const float* beta, T* y, int pixels, int channels, int chunk, int silu) \
    { \
        apply<T>(x, factors, beta, y, pixels, channels, chunk, silu); \
    }
FOR_EACH_FLOAT(ENTRY)

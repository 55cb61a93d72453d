// group_norm_backward: the gradients of group_norm; with n the normalised x, dz = dy through SiLU where it followed and d = gamma * dz, dx = (d - mean(d) - n * mean(d * n)) * r, the means over a group
// x, dy, dx [B, P, C] T, P pixels; gamma, beta [C] f32; any C and any group size; dx may be dy
// After the statistics, which group_norm_moments and group_norm_merge take, three launches: sums over chunks of pixels, a block a group that adds them up, and dx.
// Chunks follow from the shape, and sums are added in their order: deterministic. x and dy are read twice, dx is written once: memory bound
#include "activation.cuh"
#include "columns.cuh"

constexpr int MERGERS = 256;

// The gradient before SiLU, at the normalised value n.
__device__ __forceinline__ float before_silu(float dy, float n, float gamma, float beta, int silu_followed)
{
    float value;
    return silu_followed ? dy * derivative(n * gamma + beta, Silu, value) : dy;
}

// group_norm_backward_sums: sums of dz * n and of dz over a chunk's pixels
// statistics [B, C] f32 x 2: mean and r; products, sums [B, chunks, C] f32
// grid (ceil(C / (32 * 16 / sizeof(T))), chunks, B), block (32, 8)
template <typename T>
__device__ __forceinline__ void sums_of_chunk(const T* x, const T* dy, const float2* statistics, const float* gamma, const float* beta, float* products, float* sums,
    int pixels, int channels, int chunk, int silu_followed)
{
    constexpr int N = Vector<T>::N;
    int c = first_column<N>(), count = channels - c, first = blockIdx.y * chunk, last = min(first + chunk, pixels);
    bool whole = channels % N == 0 && aligned(x, dy);
    float product[N] = {}, sum[N] = {}, numbers[4][N];
    take_column_numbers(numbers, channels, [=](int channel, float (&to)[4]) {
        float2 s = statistics[(long long)blockIdx.z * channels + channel];
        to[0] = s.x, to[1] = s.y, to[2] = gamma[channel], to[3] = beta[channel];
    });
    if (count > 0)
    {
        long long image = (long long)blockIdx.z * pixels * channels + c;
        for (int p = first + threadIdx.y; p < last; p += ROWS)
        {
            long long at = image + (long long)p * channels;
            Vector<T> v = load(x + at, count, whole), d = load(dy + at, count, whole);
#pragma unroll
            for (int j = 0; j < N; j++)
            {
                if (j >= count) continue;
                float n = (to_float(v.at[j]) - numbers[0][j]) * numbers[1][j], dz = before_silu(to_float(d.at[j]), n, numbers[2][j], numbers[3][j], silu_followed);
                product[j] += dz * n;
                sum[j] += dz;
            }
        }
    }
    long long at = ((long long)blockIdx.z * gridDim.y + blockIdx.y) * channels;
    write_column_sums(product, products + at, channels);
    __syncthreads();
    write_column_sums(sum, sums + at, channels);
}

// group_norm_backward_merge: each channel's sums over a sample, and what follows for dx from those of its group
// products, sums [B, chunks, C] f32; gammas, betas [B, C] f32: a sample's gradients of gamma and beta; factors [B, C] f32 x 4: dx = y * dz - z - (x - x of factors) * w
// grid (groups, B), block 256: neighbours have the group's channels side by side, up to a warp of them, and the others below each other every so many chunks
extern "C" __global__ void __launch_bounds__(MERGERS) group_norm_backward_merge(const float2* statistics, const float* gamma, const float* products, const float* sums, float* gammas, float* betas, float4* factors,
    int pixels, int channels, int chunks)
{
    __shared__ float parts[2][MERGERS / WARP];
    __shared__ float2 columns[MERGERS];
    int size = channels / gridDim.x, first = blockIdx.x * size, width = 1;
    while (width < size && width < WARP) width *= 2;
    int x = threadIdx.x % width, y = threadIdx.x / width, rows = min(MERGERS / width, chunks);
    long long sample = (long long)blockIdx.y * channels;
    float product = 0, sum = 0;
    for (int begin = first; begin < first + size; begin += width)
    {
        int c = begin + x;
        bool is_inside = c < first + size;
        float p = 0, s = 0;
        if (is_inside)
            for (int i = y; i < chunks; i += MERGERS / width)
            {
                long long at = ((long long)blockIdx.y * chunks + i) * channels + c;
                p += products[at];
                s += sums[at];
            }
        columns[threadIdx.x] = make_float2(p, s);
        __syncthreads();
        if (y == 0 && is_inside)
        {
            for (int row = 1; row < rows; row++)
            {
                float2 next = columns[row * width + x];
                p += next.x;
                s += next.y;
            }
            gammas[sample + c] = p;
            betas[sample + c] = s;
            product += gamma[c] * p;
            sum += gamma[c] * s;
        }
        __syncthreads();
    }
    float count = (float)size * pixels, slope = block_sum(product, parts[0]) / count, mean = block_sum(sum, parts[1]) / count;
    for (int c = first + threadIdx.x; c < first + size; c += MERGERS)
    {
        float2 s = statistics[sample + c];
        factors[sample + c] = make_float4(s.x, gamma[c] * s.y, mean * s.y, slope * s.y * s.y);
    }
}

// group_norm_backward_apply: dx, see group_norm_backward_merge
// grid (ceil(C / (32 * 16 / sizeof(T))), ceil(P / chunk), B), block (32, 8)
template <typename T>
__device__ __forceinline__ void apply(const T* x, const T* dy, const float4* factors, const float* beta, T* dx, int pixels, int channels, int chunk, int silu_followed)
{
    constexpr int N = Vector<T>::N;
    int c = first_column<N>(), first = blockIdx.y * chunk, last = min(first + chunk, pixels), count = channels - c;
    float f[5][N];
    take_column_numbers(f, channels, [=](int channel, float (&to)[5]) {
        float4 four = factors[(long long)blockIdx.z * channels + channel];
        to[0] = four.x, to[1] = four.y, to[2] = four.z, to[3] = four.w, to[4] = beta[channel];
    });
    if (count <= 0) return;
    bool whole = channels % N == 0 && aligned(x, dy, dx);
    long long image = (long long)blockIdx.z * pixels * channels + c;
    for (int p = first + threadIdx.y; p < last; p += ROWS)
    {
        long long at = image + (long long)p * channels;
        Vector<T> v = load(x + at, count, whole), d = load(dy + at, count, whole);
#pragma unroll
        for (int j = 0; j < N; j++)
        {
            if (j >= count) continue;
            float deviation = to_float(v.at[j]) - f[0][j], dz = before_silu(to_float(d.at[j]), deviation, f[1][j], f[4][j], silu_followed);
            d.at[j] = from_float<T>(f[1][j] * dz - f[2][j] - deviation * f[3][j]);
        }
        store(dx + at, d, count, whole);
    }
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(COLUMNS * ROWS) group_norm_backward_sums_##name(const T* x, const T* dy, const float2* statistics, const float* gamma, const float* beta, float* products, float* sums, \
        int pixels, int channels, int chunk, int silu) \
    { \
        sums_of_chunk<T>(x, dy, statistics, gamma, beta, products, sums, pixels, channels, chunk, silu); \
    } \
    extern "C" __global__ void __launch_bounds__(COLUMNS * ROWS) group_norm_backward_apply_##name(const T* x, const T* dy, const float4* factors, const float* beta, T* dx, int pixels, int channels, int chunk, int silu) \
    { \
        apply<T>(x, dy, factors, beta, dx, pixels, channels, chunk, silu); \
    }
FOR_EACH_FLOAT(ENTRY)

// sum_tokens: the sum of x[b, t] over a chunk of tokens; sum_parts adds the chunks up
// x [B, tokens, channels] T; parts [B, chunks, channels] f32
// grid (ceil(channels / (32 * 16 / sizeof(T))), chunks, B), block (32, 8)
// reads x once: memory bound; the chunks follow from the shape: deterministic
#include "columns.cuh"

template <typename T> __device__ __forceinline__ void sum_tokens(const T* x, float* parts, int tokens, int channels, int chunk)
{
    constexpr int N = Vector<T>::N;
    int c = first_column<N>(), count = channels - c, first = blockIdx.y * chunk, last = min(first + chunk, tokens);
    bool whole = channels % N == 0 && aligned(x);
    const T* column = x + (long long)blockIdx.z * tokens * channels + c;
    float sums[N] = {};
    if (count > 0)
        for (int t = first + threadIdx.y; t < last; t += ROWS)
        {
            Vector<T> v = load(column + (long long)t * channels, count, whole);
#pragma unroll
            for (int j = 0; j < N; j++) sums[j] += to_float(v.at[j]);
        }
    write_column_sums(sums, parts + ((long long)blockIdx.z * gridDim.y + blockIdx.y) * channels, channels);
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(COLUMNS * ROWS) sum_tokens_##name(const T* x, float* parts, int tokens, int channels, int chunk) { sum_tokens<T>(x, parts, tokens, channels, chunk); }
FOR_EACH_FLOAT(ENTRY)

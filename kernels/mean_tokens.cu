// mean_tokens: y[b] = the mean of x[b, t] over the tokens t that the mask has, summed in their order; zeros where it has none
// x [B, T, C] T; mask [B, T] u8 or null; y [B, C] T
// grid (ceil(C / 128), B), block 128: a thread a channel
// reads x once, writes y once: memory bound; deterministic
#include "half.cuh"

constexpr int THREADS = 128;

template <typename T> __device__ __forceinline__ void mean_tokens(const T* x, const unsigned char* mask, T* y, int tokens, int channels)
{
    int c = blockIdx.x * THREADS + threadIdx.x;
    if (c >= channels) return;
    long long first = (long long)blockIdx.y * tokens;
    float sum = 0;
    int count = 0;
    for (int t = 0; t < tokens; t++)
        if (mask == nullptr || mask[first + t] != 0)
        {
            sum += to_float(x[(first + t) * channels + c]);
            count++;
        }
    y[(long long)blockIdx.y * channels + c] = from_float<T>(sum * (1.0f / max(count, 1)));
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(THREADS) mean_tokens_##name(const T* x, const unsigned char* mask, T* y, int tokens, int channels) { mean_tokens<T>(x, mask, y, tokens, channels); }
FOR_EACH_FLOAT(ENTRY)

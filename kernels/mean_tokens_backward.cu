// mean_tokens_backward: dx[b, t] = dy[b] / the number of tokens that the mask has, for each of them, zeros for the others; or that added to it
// dy [B, C] T; mask [B, T] u8 or null; dx [B, T, C] T
// grid ceil(B * T / 4), block (32, 4): a warp a token
// reads dy once a token, from a cache, and perhaps dx, writes dx once: memory bound; deterministic
#include "rows.cuh"

template <typename T> __device__ __forceinline__ void mean_tokens_backward(const T* dy, const unsigned char* mask, T* dx, int rows, int tokens, int channels, int add)
{
    constexpr int N = Vector<T>::N;
    int row = row_of_warp(), sample = row / tokens, count = tokens;
    if (row >= rows) return;
    bool counts = true;
    if (mask)
    {
        mask += (long long)sample * tokens;
        int seen = 0;
        for (int t = threadIdx.x; t < tokens; t += WARP) seen += mask[t] != 0;
        count = warp_sum(seen);
        counts = mask[row % tokens] != 0;
    }
    if (!counts && add) return;
    float factor = 1.0f / count;
    bool whole = channels % N == 0 && aligned(dy, dx);
    dy += (long long)sample * channels;
    dx += (long long)row * channels;
    for_columns<N>(channels, [&](int c, int left) {
        Vector<T> d = counts ? load(dy + c, left, whole) : Vector<T>{}, before = add ? load(dx + c, left, whole) : Vector<T>{};
#pragma unroll
        for (int j = 0; j < N; j++) d.at[j] = from_float<T>((counts ? to_float(d.at[j]) * factor : 0.0f) + to_float(before.at[j]));
        store(dx + c, d, left, whole);
    });
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(WARP * ROWS_OF_BLOCK) mean_tokens_backward_##name(const T* dy, const unsigned char* mask, T* dx, int rows, int tokens, int channels, int add) \
    { \
        mean_tokens_backward<T>(dy, mask, dx, rows, tokens, channels, add); \
    }
FOR_EACH_FLOAT(ENTRY)

// resize_backward: the gradient of an image that was resized by nearest neighbour: each pixel's is the sum over those that it became, line by line
// dy [B, from_height, from_width, C] T; dx [B, height, width, C] T, no larger
// grid ceil(B * height * width / 4), block (32, 4): a warp a pixel of dx
// reads dy once, writes dx once: memory bound
// overwrites dx; deterministic
#include "rows.cuh"

// Pixel i became those from here on, since resizing takes j * size / from.
__device__ __forceinline__ int first_of(int i, int from, int size) { return (i * from + size - 1) / size; }

template <typename T> __device__ __forceinline__ void resize_backward(const T* dy, T* dx, int rows, int height, int width, int from_height, int from_width, int channels)
{
    constexpr int N = Vector<T>::N;
    int row = row_of_warp(), x = row % width, line = row / width, y = line % height;
    if (row >= rows) return;
    bool whole = channels % N == 0 && aligned(dy, dx);
    int top = first_of(y, from_height, height), bottom = first_of(y + 1, from_height, height), left = first_of(x, from_width, width), right = first_of(x + 1, from_width, width);
    dy += (long long)(line / height) * from_height * from_width * channels;
    dx += (long long)row * channels;
    for_columns<N>(channels, [&](int c, int count) {
        float sums[N] = {};
        for (int from_y = top; from_y < bottom; from_y++)
#pragma unroll 1
            for (int from_x = left; from_x < right; from_x++)
            {
                Vector<T> v = load(dy + ((long long)from_y * from_width + from_x) * channels + c, count, whole);
#pragma unroll
                for (int j = 0; j < N; j++) sums[j] += to_float(v.at[j]);
            }
        Vector<T> d;
#pragma unroll
        for (int j = 0; j < N; j++) d.at[j] = from_float<T>(sums[j]);
        store(dx + c, d, count, whole);
    });
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(WARP * ROWS_OF_BLOCK) resize_backward_##name(const T* dy, T* dx, int rows, int height, int width, int from_height, int from_width, int channels) \
    { \
        resize_backward<T>(dy, dx, rows, height, width, from_height, from_width, channels); \
    }
FOR_EACH_FLOAT(ENTRY)

// conv2d: y = conv(x, weight) + bias + shift + residual, an implicit product: rows are output pixels, the depth runs over the kernel's places and their channels
// x [images, height, width, channels] T, read as if resized to [resized_height, resized_width] by nearest neighbour; weight [columns, kernel, kernel, channels] T
// bias [columns] f32 or null; shift [images, columns] T or null; residual [images, out_height, out_width, columns] T or null, may be y; y the same shape
// grid (columns / BN, pixels / BM), block Tile::Threads, dynamic shared Tile::SharedBytes; needs channels % 8 == 0 and x and weight aligned to 16 bytes but for conv2d_any
// overwrites y; deterministic
#include "gemm.cuh"
#include "gemm_float.cuh"
#include "output.cuh"
#include "pixels.cuh"

extern __shared__ __align__(128) unsigned char shared[];

#define ARGUMENTS(T) const T *x, const T *weight, const float *bias, const T *shift, const T *residual, T *y, int images, int height, int width, int channels, \
    int resized_height, int resized_width, int out_height, int out_width, int columns, int kernel, int stride, int padding
#define DEPTH kernel * kernel * channels
#define PIXELS(T) PixelInput<T>{x, images, height, width, channels, resized_height, resized_width, out_height, out_width, kernel, stride, padding}
#define OPERANDS(T) PIXELS(T), MatrixInput<T>{weight, columns, DEPTH}, DEPTH, blockIdx.y, blockIdx.x, \
    Output<T>{y, bias, shift, residual, images * out_height * out_width, columns, out_height * out_width, None}

extern "C" __global__ void __launch_bounds__(256) conv2d_f32(ARGUMENTS(float)) { gemm_float(OPERANDS(float)); }

#define CONV2D(T, name, vectors, ...) \
    extern "C" __global__ void __launch_bounds__(__VA_ARGS__::Threads) name(ARGUMENTS(T)) { gemm<__VA_ARGS__, vectors>(shared, OPERANDS(T)); }

// The last one is for the edges, whose 3, 4 or 9 channels are no whole vectors.
#define TILES(T, name) \
    CONV2D(T, conv2d_128x256_##name, true, Tile<128, 256, 64, 64, 3>) \
    CONV2D(T, conv2d_128x128_##name, true, Tile<128, 128, 64, 32, 4>) \
    CONV2D(T, conv2d_64x64_##name, true, Tile<64, 64, 32, 32, 4>) \
    CONV2D(T, conv2d_any_##name, false, Tile<64, 64, 32, 32, 2>)

TILES(f16, f16)
TILES(bf16, bf16)

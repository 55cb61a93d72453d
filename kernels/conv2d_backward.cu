// conv2d_backward: the gradient of a convolution's input, dx = conv(dy, weight turned by half a circle, inputs and outputs exchanged) + residual: an implicit product, whose rows are input pixels,
// and whose depth runs over the places of the kernel and dy's channels. Of a strided convolution the pixels have stride * stride classes, each of which is seen by some places of the kernel only
// dy [images, out_height, out_width, outputs] T; weight [outputs, kernel, kernel, columns] T; residual [images, height, width, columns] T or null, may be dx; dx the same shape
// grid (columns / BN, pixels of the largest class / BM, stride * stride), block Tile::Threads, dynamic shared Tile::SharedBytes
// needs outputs % 8 == 0, columns % 8 == 0 and dy and weight aligned to 16 bytes but for conv2d_backward_any
// overwrites dx; deterministic
#include "gemm.cuh"
#include "gemm_float.cuh"
#include "output.cuh"
#include "pixels.cuh"

extern __shared__ __align__(128) unsigned char shared[];

#define ARGUMENTS(T) const T *dy, const T *weight, const T *residual, T *dx, int images, int height, int width, int columns, int out_height, int out_width, int outputs, int kernel, int stride, int padding
// A block may have no row of its class.
#define CLASS(...) \
    PixelClass pixels(blockIdx.z, height, width, kernel, stride, padding); \
    int rows = images * pixels.height * pixels.width; \
    if ((int)blockIdx.y * (__VA_ARGS__) >= rows) return;
#define OPERANDS(T) SeenInput<T>{dy, pixels, images, outputs, out_height, out_width}, TurnedTapInput<T>{weight, pixels, columns, outputs, kernel, stride}, pixels.taps_y * pixels.taps_x * outputs, \
    blockIdx.y, blockIdx.x, Output<T, PixelPlace>{dx, nullptr, nullptr, residual, rows, columns, 1, None, {pixels, height, width, stride}}

extern "C" __global__ void __launch_bounds__(256) conv2d_backward_f32(ARGUMENTS(float))
{
    CLASS(64)
    gemm_float(OPERANDS(float));
}

// Blocks of a multiprocessor: the compiler, left alone, takes registers for more blocks than that and spills.
#define CONV2D_BACKWARD(T, name, vectors, ...) \
    extern "C" __global__ void __launch_bounds__(__VA_ARGS__::Threads, __VA_ARGS__::Threads == 128 ? 4 : __VA_ARGS__::BN == 256 ? 1 : 2) name(ARGUMENTS(T)) \
    { \
        CLASS(__VA_ARGS__::BM) \
        gemm<__VA_ARGS__, vectors>(shared, OPERANDS(T)); \
    }

#define TILES(T, name) \
    CONV2D_BACKWARD(T, conv2d_backward_128x256_##name, true, Tile<128, 256, 64, 64, 3>) \
    CONV2D_BACKWARD(T, conv2d_backward_128x128_##name, true, Tile<128, 128, 64, 32, 4>) \
    CONV2D_BACKWARD(T, conv2d_backward_64x64_##name, true, Tile<64, 64, 32, 32, 4>) \
    CONV2D_BACKWARD(T, conv2d_backward_any_##name, false, Tile<64, 64, 32, 32, 2>)

TILES(f16, f16)
TILES(bf16, bf16)

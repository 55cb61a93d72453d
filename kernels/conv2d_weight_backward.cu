// conv2d_weight_backward: the gradient of a convolution's weight, dweight += dyᵀ · what each output pixel sees: an implicit product, whose depth runs over output pixels
// x [images, height, width, channels] T, read as if resized to [resized_height, resized_width] by nearest neighbour; dy [images, out_height, out_width, rows] T
// sums [parts, rows, kernel, kernel, channels] f32: written, or, of a single part, added to
// grid (kernel * kernel * channels / BN, rows / BM, parts), block Tile::Threads, dynamic shared Tile::SharedBytes; needs channels % 8 == 0, rows % 8 == 0 and x and dy aligned to 16 bytes but for
// conv2d_weight_backward_any
// length: of a part, in output pixels, a multiple of 32; it follows from the shapes, so that the sums do: deterministic
#include "gemm.cuh"
#include "gemm_float.cuh"
#include "pixels.cuh"
#include "sums.cuh"

extern __shared__ __align__(128) unsigned char shared[];

#define ARGUMENTS(T) const T *x, const T *dy, float *sums, int images, int height, int width, int channels, int resized_height, int resized_width, int out_height, int out_width, int rows, \
    int kernel, int stride, int padding, int length, int add
#define COLUMNS kernel * kernel * channels
#define PART Part part(images * out_height * out_width, length)
#define OPERANDS(T) TurnedMatrixInput<T>{dy + (u64)part.first * rows, rows, part.count}, \
    TurnedPixelInput<T>{x, height, width, channels, resized_height, resized_width, out_height, out_width, kernel, stride, padding, part.first, part.count}, part.count, blockIdx.y, blockIdx.x, \
    Sums{sums + (u64)blockIdx.z * rows * (COLUMNS), rows, COLUMNS, add}

extern "C" __global__ void __launch_bounds__(256) conv2d_weight_backward_f32(ARGUMENTS(float))
{
    PART;
    gemm_float(OPERANDS(float));
}

#define CONV2D_WEIGHT_BACKWARD(T, name, vectors, ...) \
    extern "C" __global__ void __launch_bounds__(__VA_ARGS__::Threads) name(ARGUMENTS(T)) \
    { \
        PART; \
        gemm<__VA_ARGS__, vectors>(shared, OPERANDS(T)); \
    }

#define TILES(T, name) \
    CONV2D_WEIGHT_BACKWARD(T, conv2d_weight_backward_128x128_##name, true, Tile<128, 128, 64, 32, 4>) \
    CONV2D_WEIGHT_BACKWARD(T, conv2d_weight_backward_64x64_##name, true, Tile<64, 64, 32, 32, 4>) \
    CONV2D_WEIGHT_BACKWARD(T, conv2d_weight_backward_any_##name, false, Tile<64, 64, 32, 32, 2>)

TILES(f16, f16)
TILES(bf16, bf16)

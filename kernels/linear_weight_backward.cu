// linear_weight_backward: dweight += dyᵀ · x, the gradient of a product's weight; the depth of this product is the rows of both
// dy [depth, rows] T; x [depth, columns] T; sums [parts, rows, columns] f32: written, or, of a single part, added to
// grid (columns / BN, rows / BM, parts), block Tile::Threads, dynamic shared Tile::SharedBytes; needs rows % 8 == 0, columns % 8 == 0 and dy and x aligned to 16 bytes but for linear_weight_backward_any
// length: of a part, in rows of dy and x, a multiple of 32; it follows from the shapes, so that the sums do: deterministic
#include "gemm.cuh"
#include "gemm_float.cuh"
#include "sums.cuh"

extern __shared__ __align__(128) unsigned char shared[];

#define ARGUMENTS(T) const T *dy, const T *x, float *sums, int rows, int columns, int depth, int length, int add
#define OPERANDS(T) TurnedMatrixInput<T>{dy + (u64)part.first * rows, rows, part.count}, TurnedMatrixInput<T>{x + (u64)part.first * columns, columns, part.count}, part.count, blockIdx.y, blockIdx.x, \
    Sums{sums + (u64)blockIdx.z * rows * columns, rows, columns, add}

extern "C" __global__ void __launch_bounds__(256) linear_weight_backward_f32(ARGUMENTS(float))
{
    Part part(depth, length);
    gemm_float(OPERANDS(float));
}

#define LINEAR_WEIGHT_BACKWARD(T, name, vectors, ...) \
    extern "C" __global__ void __launch_bounds__(__VA_ARGS__::Threads) name(ARGUMENTS(T)) \
    { \
        Part part(depth, length); \
        gemm<__VA_ARGS__, vectors>(shared, OPERANDS(T)); \
    }

#define TILES(T, name) \
    LINEAR_WEIGHT_BACKWARD(T, linear_weight_backward_128x128_##name, true, Tile<128, 128, 64, 32, 4>) \
    LINEAR_WEIGHT_BACKWARD(T, linear_weight_backward_64x64_##name, true, Tile<64, 64, 32, 32, 4>) \
    LINEAR_WEIGHT_BACKWARD(T, linear_weight_backward_any_##name, false, Tile<64, 64, 32, 32, 2>)

TILES(f16, f16)
TILES(bf16, bf16)

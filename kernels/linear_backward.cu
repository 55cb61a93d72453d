// linear_backward: dx = dy · weight + residual, the gradient of a product's input
// dy [rows, depth] T; weight [depth, columns] T; residual [rows, columns] T or null, may be dx; dx [rows, columns] T
// grid (columns / BN, rows / BM), block Tile::Threads, dynamic shared Tile::SharedBytes; needs depth % 8 == 0, columns % 8 == 0 and dy and weight aligned to 16 bytes but for linear_backward_any
// overwrites dx; deterministic
#include "gemm.cuh"
#include "gemm_float.cuh"
#include "output.cuh"

extern __shared__ __align__(128) unsigned char shared[];

#define ARGUMENTS(T) const T *dy, const T *weight, const T *residual, T *dx, int rows, int columns, int depth
#define OPERANDS(T) MatrixInput<T>{dy, rows, depth}, TurnedMatrixInput<T>{weight, columns, depth}, depth, blockIdx.y, blockIdx.x, Output<T>{dx, nullptr, nullptr, residual, rows, columns, 1, None}

extern "C" __global__ void __launch_bounds__(256) linear_backward_f32(ARGUMENTS(float)) { gemm_float(OPERANDS(float)); }

#define LINEAR_BACKWARD(T, name, vectors, ...) \
    extern "C" __global__ void __launch_bounds__(__VA_ARGS__::Threads) name(ARGUMENTS(T)) { gemm<__VA_ARGS__, vectors>(shared, OPERANDS(T)); }

#define TILES(T, name) \
    LINEAR_BACKWARD(T, linear_backward_128x128_##name, true, Tile<128, 128, 64, 32, 4>) \
    LINEAR_BACKWARD(T, linear_backward_64x64_##name, true, Tile<64, 64, 32, 32, 4>) \
    LINEAR_BACKWARD(T, linear_backward_any_##name, false, Tile<64, 64, 32, 32, 2>)

TILES(f16, f16)
TILES(bf16, bf16)

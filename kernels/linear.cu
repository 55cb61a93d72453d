// linear: y = activation(x · weightᵀ + bias) + residual
// x [rows, depth] T; weight [columns, depth] T; bias [columns] f32 or null; residual [rows, columns] T or null, may be y; y [rows, columns] T
// grid (columns / BN, rows / BM), block Tile::Threads, dynamic shared Tile::SharedBytes; needs depth % 8 == 0 and x and weight aligned to 16 bytes but for linear_any
// overwrites y; deterministic
#include "gemm.cuh"
#include "gemm_float.cuh"
#include "output.cuh"

extern __shared__ __align__(128) unsigned char shared[];

#define ARGUMENTS(T) const T *x, const T *weight, const float *bias, const T *residual, T *y, int rows, int columns, int depth, int activation
#define OPERANDS(T) MatrixInput<T>{x, rows, depth}, MatrixInput<T>{weight, columns, depth}, depth, blockIdx.y, blockIdx.x, Output<T>{y, bias, nullptr, residual, rows, columns, 1, activation}

extern "C" __global__ void __launch_bounds__(256) linear_f32(ARGUMENTS(float)) { gemm_float(OPERANDS(float)); }

#define LINEAR(T, name, vectors, ...) \
    extern "C" __global__ void __launch_bounds__(__VA_ARGS__::Threads, vectors ? 0 : 4) name(ARGUMENTS(T)) { gemm<__VA_ARGS__, vectors>(shared, OPERANDS(T)); }

#define TILES(T, name) \
    LINEAR(T, linear_128x128_##name, true, Tile<128, 128, 64, 32, 4>) \
    LINEAR(T, linear_64x64_##name, true, Tile<64, 64, 32, 32, 4>) \
    LINEAR(T, linear_any_##name, false, Tile<64, 64, 32, 32, 2>)

TILES(f16, f16)
TILES(bf16, bf16)

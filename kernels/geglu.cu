// geglu: with h = x · weightᵀ + bias, y = h[:, :columns] · activation(h[:, columns:])
// x [rows, depth] T; weight [2·columns, depth] T, the values' rows, then the gates'; bias [2·columns] f32 or null; y [rows, columns] T
// grid (columns / (BN / 2), rows / BM), block Tile::Threads, dynamic shared Tile::SharedBytes; needs depth % 8 == 0 and x and weight aligned to 16 bytes but for geglu_any
// overwrites y; deterministic; h exists in registers only
#include "activation.cuh"
#include "gemm.cuh"
#include "gemm_float.cuh"
#include "vector.cuh"

// The weight's rows as a tile wants them: of each `Width` rows the first half are values and the second their gates, so that a warp has both.
// The matrix's rows are those of the values; as many gates' lie behind them.
template <typename T, int Width> struct GatedInput : MatrixInput<T>
{
    __device__ __forceinline__ typename MatrixInput<T>::Row row(int n) const
    {
        int column = n / Width * (Width / 2) + n % (Width / 2), gate = n % Width / (Width / 2);
        return {this->x + (u64)(gate * this->rows + column) * this->depth, column < this->rows};
    }
};

template <typename T> struct GatedOutput
{
    T* y;
    const float* bias;
    int rows, columns, activation;

    __device__ __forceinline__ void store(int m, int n, float value, float gate) const
    {
        if (m >= rows || n >= columns) return;
        if (bias)
        {
            value += bias[n];
            gate += bias[columns + n];
        }
        y[(u64)m * columns + n] = from_float<T>(value * activate(gate, activation));
    }

    __device__ __forceinline__ void store(int m, int n, const float (&c)[4]) const
    {
        for (int j = 0; j < 2; j++) store(m, n / 4 * 2 + j, c[j], c[j + 2]);
    }

    // 16 rows that lie in shared memory, eight columns a lane: values in the first half of the eights, gates in the second. Loops, since the activation is long.
    template <class Rows> __device__ __forceinline__ void store(const float* c, int first_m, int first_n, int lane) const
    {
        constexpr int Half = Rows::Chunks / 2;
#pragma unroll 1
        for (int i = lane; i < 16 * Half; i += 32)
        {
            int m = first_m + i / Half, n = first_n / 2 + i % Half * 8;
            if (m >= rows || n >= columns) continue;
            if (columns % 8 != 0 || !aligned(y))
            {
#pragma unroll 1
                for (int j = 0; j < 8; j++) store(m, n + j, Rows::at(c, i / Half, i % Half, j), Rows::at(c, i / Half, Half + i % Half, j));
                continue;
            }
            float values[8], gates[8];
            Rows::take(c, i / Half, i % Half, values);
            Rows::take(c, i / Half, Half + i % Half, gates);
            Vector<T> to;
#pragma unroll
            for (int j = 0; j < 8; j++)
            {
                float value = values[j], gate = gates[j];
                if (bias)
                {
                    value += bias[n + j];
                    gate += bias[columns + n + j];
                }
                to.at[j] = from_float<T>(value * activate(gate, activation));
            }
            ::store(y + (u64)m * columns + n, to);
        }
    }
};

extern __shared__ __align__(128) unsigned char shared[];

#define ARGUMENTS(T) const T *x, const T *weight, const float *bias, T *y, int rows, int columns, int depth, int activation
#define OPERANDS(T, ...) MatrixInput<T>{x, rows, depth}, GatedInput<T, (__VA_ARGS__)>{{weight, columns, depth}}, depth, blockIdx.y, blockIdx.x, GatedOutput<T>{y, bias, rows, columns, activation}

extern "C" __global__ void __launch_bounds__(256) geglu_f32(ARGUMENTS(float)) { gemm_float(OPERANDS(float, 4)); }

#define GEGLU(T, name, vectors, ...) \
    extern "C" __global__ void __launch_bounds__(__VA_ARGS__::Threads) name(ARGUMENTS(T)) { gemm<__VA_ARGS__, vectors>(shared, OPERANDS(T, __VA_ARGS__::WN)); }

#define TILES(T, name) \
    GEGLU(T, geglu_128x256_##name, true, Tile<128, 256, 64, 64, 3>) \
    GEGLU(T, geglu_128x128_##name, true, Tile<128, 128, 64, 32, 4>) \
    GEGLU(T, geglu_64x64_##name, true, Tile<64, 64, 32, 32, 4>) \
    GEGLU(T, geglu_any_##name, false, Tile<64, 64, 32, 32, 2>)

TILES(f16, f16)
TILES(bf16, bf16)

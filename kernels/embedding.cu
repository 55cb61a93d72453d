// embedding: y = table[ids] + positions
// ids [B * T] i32, within the table; table [V, C], positions [at least T, C] or null, each of any type, which its number tells; y [B, T, C] T
// grid ceil(B * T / 4), block (32, 4): a warp a token
// reads two rows, writes one: memory bound; deterministic
// timestep_embedding: with half = dim / 2 and f(i) = 10000^(-i / (half - shift)), the row of value t is sin(t f), cos(t f), or cosines first; an odd dim ends in a zero
// values [n] f32; y [n, dim] T
// grid ceil(n / 4), block (32, 4): a warp a row; deterministic
#include "rows.cuh"

// PeaEngine.DType
enum Type { F32, F16, BF16 };

__device__ __forceinline__ float read(const void* x, long long i, int type)
{
    return type == F32 ? static_cast<const float*>(x)[i] : type == F16 ? to_float(static_cast<const f16*>(x)[i]) : to_float(static_cast<const bf16*>(x)[i]);
}

template <typename T> __device__ __forceinline__ void embedding(const int* ids, const void* table, int tableType, const void* positions, int positionsType, T* y, int rows, int tokens, int channels)
{
    int row = row_of_warp();
    if (row >= rows) return;
    long long word = (long long)ids[row] * channels, position = (long long)(row % tokens) * channels, to = (long long)row * channels;
    for_columns<1>(channels, [&](int c, int) {
        y[to + c] = from_float<T>(read(table, word + c, tableType) + (positions == nullptr ? 0.0f : read(positions, position + c, positionsType)));
    });
}

// Frequencies are rounded to float where the reference rounds them: at t = 999 that rounding is most of the result's last digits. Whole turns are taken off in double,
// so that the fast sine's error stays that of an angle below pi.
template <typename T> __device__ __forceinline__ void timestep_embedding(const float* values, T* y, int rows, int dim, int cosinesFirst, float shift)
{
    constexpr double TURN = 6.283185307179586;
    int row = row_of_warp(), half = dim / 2;
    if (row >= rows) return;
    float value = values[row];
    y += (long long)row * dim;
    for_columns<1>(half, [&](int i, int) {
        float exponent = __fdiv_rn(__fmul_rn(-9.210340371976184f, i), half - shift);
        double angle = __fmul_rn(value, (float)exp((double)exponent));
        float turned = (float)(angle - rint(angle / TURN) * TURN);
        y[cosinesFirst ? i : half + i] = from_float<T>(__cosf(turned));
        y[cosinesFirst ? half + i : i] = from_float<T>(__sinf(turned));
    });
    if (dim % 2 == 1 && threadIdx.x == 0) y[dim - 1] = from_float<T>(0.0f);
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(WARP * ROWS_OF_BLOCK) embedding_##name(const int* ids, const void* table, int tableType, const void* positions, int positionsType, T* y, int rows, int tokens, int channels) \
    { \
        embedding<T>(ids, table, tableType, positions, positionsType, y, rows, tokens, channels); \
    } \
    extern "C" __global__ void __launch_bounds__(WARP * ROWS_OF_BLOCK) timestep_embedding_##name(const float* values, T* y, int rows, int dim, int cosinesFirst, float shift) \
    { \
        timestep_embedding<T>(values, y, rows, dim, cosinesFirst, shift); \
    }
FOR_EACH_FLOAT(ENTRY)

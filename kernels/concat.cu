// concat: y = a followed by b along the last dimension; split: the way back
// a [rows, A], b [rows, B], y [rows, A + B], of elements of 16 or 32 bits, whatever they mean
// grid ceil(rows / 4), block (32, 4): a warp a row
// reads once, writes once: memory bound; deterministic
#include "rows.cuh"

template <typename T> __device__ __forceinline__ void copy_columns(const T* x, T* y, int columns, bool whole)
{
    if (whole) for_columns<Vector<T>::N>(columns, [&](int c, int) { store(y + c, load(x + c)); });
    else for_columns<1>(columns, [&](int c, int) { y[c] = x[c]; });
}

template <typename T, bool Join> __device__ __forceinline__ void concat(T* a, T* b, T* y, int rows, int columnsA, int columnsB)
{
    constexpr int N = Vector<T>::N;
    int row = row_of_warp();
    if (row >= rows) return;
    bool whole = columnsA % N == 0 && columnsB % N == 0 && aligned(a, b, y);
    a += (long long)row * columnsA;
    b += (long long)row * columnsB;
    y += (long long)row * (columnsA + columnsB);
    if (Join)
    {
        copy_columns<T>(a, y, columnsA, whole);
        copy_columns<T>(b, y + columnsA, columnsB, whole);
    }
    else
    {
        copy_columns<T>(y, a, columnsA, whole);
        copy_columns<T>(y + columnsA, b, columnsB, whole);
    }
}

#define ENTRY(T, bits) \
    extern "C" __global__ void __launch_bounds__(WARP * ROWS_OF_BLOCK) concat_##bits(T* a, T* b, T* y, int rows, int columnsA, int columnsB) { concat<T, true>(a, b, y, rows, columnsA, columnsB); } \
    extern "C" __global__ void __launch_bounds__(WARP * ROWS_OF_BLOCK) split_##bits(T* a, T* b, T* y, int rows, int columnsA, int columnsB) { concat<T, false>(a, b, y, rows, columnsA, columnsB); }
ENTRY(unsigned short, 16)
ENTRY(unsigned, 32)

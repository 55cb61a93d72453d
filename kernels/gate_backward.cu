// gate_backward: the gradient of y = h[:, :n] · activation(h[:, n:]) to h
// h, dh [rows, 2n] T, dh may be h; dy [rows, n] T; activation: PeaEngine.Activation
// grid ceil(rows / 4), block (32, 4): a warp a row
// reads h and dy once, writes dh once: memory bound
// overwrites dh; deterministic
#include "activation.cuh"
#include "rows.cuh"

template <typename T> __device__ __forceinline__ void gate_backward(const T* h, const T* dy, T* dh, int rows, int columns, int activation)
{
    constexpr int N = Vector<T>::N;
    int row = row_of_warp();
    if (row >= rows) return;
    bool whole = columns % N == 0 && aligned(h, dy, dh);
    h += 2LL * row * columns;
    dy += (long long)row * columns;
    dh += 2LL * row * columns;
    for_columns<N>(columns, [&](int c, int count) {
        Vector<T> values = load(h + c, count, whole), gates = load(h + columns + c, count, whole), d = load(dy + c, count, whole);
#pragma unroll
        for (int j = 0; j < N; j++)
        {
            float gate, slope = derivative(to_float(gates.at[j]), activation, gate), g = to_float(d.at[j]);
            gates.at[j] = from_float<T>(g * to_float(values.at[j]) * slope);
            values.at[j] = from_float<T>(g * gate);
        }
        store(dh + c, values, count, whole);
        store(dh + columns + c, gates, count, whole);
    });
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(WARP * ROWS_OF_BLOCK) gate_backward_##name(const T* h, const T* dy, T* dh, int rows, int columns, int activation) \
    { \
        gate_backward<T>(h, dy, dh, rows, columns, activation); \
    }
FOR_EACH_FLOAT(ENTRY)

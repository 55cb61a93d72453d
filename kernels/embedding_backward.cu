// embedding_backward: dtable[ids] += dy, an id's tokens one after another
// ids [rows] i32, within the table; dy [rows, C] T; dtable [V, C] f32
// grid ceil(rows / 4), block (32, 4): a warp a token; that of an id's first token adds all of them, so that nothing is added at the same time
// reads all ids once a token, from a cache, and dy once; reads and writes a row of the table once a token; deterministic
#include "rows.cuh"

template <typename T> __device__ __forceinline__ void embedding_backward(const int* ids, const T* dy, float* dtable, int rows, int channels)
{
    int row = row_of_warp();
    if (row >= rows) return;
    int id = ids[row];
    float* to = dtable + (long long)id * channels;
    for (int first = 0; first < rows; first += WARP)
    {
        int other = first + threadIdx.x;
        unsigned same = __ballot_sync(~0u, other < rows && ids[other] == id);
        for (; same; same &= same - 1)
        {
            int token = first + __ffs(same) - 1;
            if (token < row) return;
            const T* from = dy + (long long)token * channels;
            for_columns<1>(channels, [&](int c, int) { to[c] += to_float(from[c]); });
        }
    }
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(WARP * ROWS_OF_BLOCK) embedding_backward_##name(const int* ids, const T* dy, float* dtable, int rows, int channels) \
    { \
        embedding_backward<T>(ids, dy, dtable, rows, channels); \
    }
FOR_EACH_FLOAT(ENTRY)

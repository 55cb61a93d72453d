// transpose: y[b, s, r] = x[b, r, s], between the reference's layout and channels last
// x [B, R, S], y [B, S, R], of elements of 16 or 32 bits, whatever they mean
// grid (ceil(R / 32) * ceil(S / 32), 1, B), block (32, 8): a tile of 32x32, through shared memory so that both sides are read and written along rows
// reads x once, writes y once: memory bound; deterministic
constexpr int TILE = 32, STEP = 8;

template <typename T> __device__ __forceinline__ void transpose(const T* x, T* y, int rows, int columns)
{
    // A column more, so that the elements of a tile's column lie in different banks.
    __shared__ T tile[TILE][TILE + 4 / sizeof(T)];
    int across = (columns + TILE - 1) / TILE, row = blockIdx.x / across * TILE, column = blockIdx.x % across * TILE;
    long long image = (long long)blockIdx.z * rows * columns;
    for (int i = threadIdx.y; i < TILE; i += STEP)
        if (row + i < rows && column + threadIdx.x < columns) tile[i][threadIdx.x] = x[image + (long long)(row + i) * columns + column + threadIdx.x];
    __syncthreads();
    for (int i = threadIdx.y; i < TILE; i += STEP)
        if (column + i < columns && row + threadIdx.x < rows) y[image + (long long)(column + i) * rows + row + threadIdx.x] = tile[threadIdx.x][i];
}

#define ENTRY(T, bits) extern "C" __global__ void __launch_bounds__(TILE * STEP) transpose_##bits(const T* x, T* y, int rows, int columns) { transpose<T>(x, y, rows, columns); }
ENTRY(unsigned short, 16)
ENTRY(unsigned, 32)

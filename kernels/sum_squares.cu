// sum_squares: the sum of x^2 over a chunk, in double; sum_squares_total adds the chunks up in a fixed order
// x [n] f32; parts [chunks] f64; y [1] f32
// grid chunks, block 256; then grid 1, block 256
// reads x once: memory bound; chunks have a fixed size: deterministic
#include "reduce.cuh"
#include "vector.cuh"

constexpr int THREADS = 256;

extern "C" __global__ void __launch_bounds__(THREADS) sum_squares(const float* x, double* parts, long long n, int chunk)
{
    constexpr int N = Vector<float>::N;
    __shared__ double warps[THREADS / WARP];
    long long first = (long long)blockIdx.x * chunk, last = min(first + chunk, n);
    double sum = 0;
    for (long long i = first + threadIdx.x * N; i < last; i += THREADS * N)
    {
        int count = (int)min(last - i, (long long)N);
        Vector<float> v = load(x + i, count, count == N && aligned(x));
#pragma unroll
        for (int j = 0; j < N; j++) sum += (double)v.at[j] * v.at[j];
    }
    sum = block_sum(sum, warps);
    if (threadIdx.x == 0) parts[blockIdx.x] = sum;
}

extern "C" __global__ void __launch_bounds__(THREADS) sum_squares_total(const double* parts, float* y, int chunks)
{
    __shared__ double warps[THREADS / WARP];
    double sum = 0;
    for (int i = threadIdx.x; i < chunks; i += THREADS) sum += parts[i];
    sum = block_sum(sum, warps);
    if (threadIdx.x == 0) *y = (float)sum;
}

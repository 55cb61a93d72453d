// squared_error: the sum of (a - b)^2 over a chunk of a sample
// a, b [B, n] T; parts [B, chunks] f64
// grid (chunks, B), block 256
// reads a and b once: memory bound; chunks have a fixed size: deterministic
// squared_error_mean: y[b] = the sum of a sample's parts, in their order, over n
// y [B] f32
// grid B, block 32
#include "reduce.cuh"
#include "vector.cuh"

constexpr int THREADS = 256;

template <typename T> __device__ __forceinline__ void squared_error(const T* a, const T* b, double* parts, long long n, int chunk)
{
    constexpr int N = Vector<T>::N;
    __shared__ double warps[THREADS / WARP];
    bool whole = n % N == 0 && aligned(a, b);
    long long first = (long long)blockIdx.x * chunk, last = min(first + chunk, n);
    a += blockIdx.y * n;
    b += blockIdx.y * n;
    float sum = 0;
    for (long long i = first + threadIdx.x * N; i < last; i += THREADS * N)
    {
        int count = (int)min(last - i, (long long)N);
        Vector<T> x = load(a + i, count, whole), y = load(b + i, count, whole);
#pragma unroll
        for (int j = 0; j < N; j++)
        {
            float d = to_float(x.at[j]) - to_float(y.at[j]);
            sum += d * d;
        }
    }
    double total = block_sum((double)sum, warps);
    if (threadIdx.x == 0) parts[blockIdx.y * gridDim.x + blockIdx.x] = total;
}

extern "C" __global__ void __launch_bounds__(WARP) squared_error_mean(const double* parts, float* y, int chunks, long long n)
{
    double sum = 0;
    for (int i = threadIdx.x; i < chunks; i += WARP) sum += parts[blockIdx.x * chunks + i];
    sum = warp_sum(sum);
    if (threadIdx.x == 0) y[blockIdx.x] = (float)(sum / n);
}

#define ENTRY(T, name) \
    extern "C" __global__ void __launch_bounds__(THREADS) squared_error_##name(const T* a, const T* b, double* parts, long long n, int chunk) { squared_error<T>(a, b, parts, n, chunk); }
FOR_EACH_FLOAT(ENTRY)

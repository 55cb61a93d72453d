// rescale_guidance: noise = noise * (phi * std(text) / std(noise) + 1 - phi), a sample at a time, standard deviations unbiased
// noise, text [B, n] f32; noise is overwritten
// grid B, block 512: a block a sample
// reads noise three times and text twice, writes noise once; deterministic
#include "reduce.cuh"

constexpr int THREADS = 512;

__device__ __forceinline__ float deviation(const float* x, long long n, float (&parts)[2][THREADS / WARP])
{
    float sum = 0, squares = 0;
    for (long long i = threadIdx.x; i < n; i += THREADS) sum += x[i];
    float mean = block_sum(sum, parts[0]) / n;
    for (long long i = threadIdx.x; i < n; i += THREADS) squares += (x[i] - mean) * (x[i] - mean);
    return sqrtf(block_sum(squares, parts[1]) / (n - 1));
}

extern "C" __global__ void __launch_bounds__(THREADS) rescale_guidance(float* noise, const float* text, long long n, float phi)
{
    __shared__ float parts[2][THREADS / WARP];
    noise += blockIdx.x * n;
    text += blockIdx.x * n;
    float factor = phi * deviation(text, n, parts) / deviation(noise, n, parts) + 1 - phi;
    for (long long i = threadIdx.x; i < n; i += THREADS) noise[i] *= factor;
}

// adamw_factors: what a step of AdamW is made with: the norm of all gradients over what they were multiplied by, and the factor that takes that out and holds the norm to a limit
// squares [n] f32: each gradient's sum of squares; losses [k] f64; rates [5] f64: scale, limit, keep, root, size
// norm [2] f64: the norm; 1, or 0 where the losses' sum or the norm is not finite; step [5] f32 for adamw: min(1, limit / (norm + 1e-6)) / scale, keep, root, size, the mark
// grid 1, block 256
// reads everything once; always summed in the same order: deterministic
#include "reduce.cuh"

constexpr int THREADS = 256;

extern "C" __global__ void __launch_bounds__(THREADS) adamw_factors(const float* squares, const double* losses, const double* rates, double* norm, float* step, int n, int k)
{
    __shared__ double warps[THREADS / WARP];
    double sum = 0;
    for (int i = threadIdx.x; i < n; i += THREADS) sum += squares[i];
    sum = block_sum(sum, warps);
    if (threadIdx.x > 0) return;
    double loss = 0;
    for (int i = 0; i < k; i++) loss += losses[i];
    double scale = rates[0], length = sqrt(sum) / scale, clipped = rates[1] / (length + 1e-6);
    bool moves = isfinite(loss) && isfinite(length);
    norm[0] = length;
    norm[1] = moves;
    step[0] = moves ? (float)((clipped < 1 ? clipped : 1) / scale) : 0;
#pragma unroll
    for (int i = 1; i <= 3; i++) step[i] = (float)rates[1 + i];
    step[4] = moves;
}

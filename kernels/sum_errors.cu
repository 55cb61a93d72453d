// sum_errors: sums[k] += the sum of terms[r] * (the sum of samples[b] * errors[r, b]) over row k of errors, the last of sums over all rows that are left; products and sums are rounded one by one, in this order
// errors [rows, n] f32; samples [n] f64; terms [rows] f64; sums [count] f64, count <= 32
// grid 1, block 32: a lane a row, and then a lane a sum
// reads everything once: a few hundred numbers; deterministic
#include "reduce.cuh"

extern "C" __global__ void __launch_bounds__(WARP) sum_errors(const float* errors, const double* samples, const double* terms, double* sums, int rows, int n, int count)
{
    int lane = threadIdx.x;
    double total = 0;
    for (int first = 0; first < rows; first += WARP)
    {
        int row = first + lane, left = min(rows - first, WARP);
        double term = 0;
        if (lane < left)
        {
            for (int b = 0; b < n; b++) term = __dadd_rn(term, __dmul_rn(samples[b], errors[(long long)row * n + b]));
            term = __dmul_rn(terms[row], term);
        }
        for (int j = 0; j < left; j++)
        {
            double other = __shfl_sync(~0u, term, j);
            if (lane == min(first + j, count - 1)) total = __dadd_rn(total, other);
        }
    }
    if (lane < count) sums[lane] = __dadd_rn(sums[lane], total);
}

// adamw: torch.optim.AdamW (arXiv 1711.05101): g = factor * gradient, m += mean * (g - m), v = beta2 * v + square * g^2, p = keep * p - size * m / (sqrt(v) * root + epsilon);
// then average = stays * average + moves * p, where there is one
// parameter, gradient, m, v, average [n] f32; average may be null
// step [5] f32: factor, keep, root, size, and 0 where nothing is to be moved (adamw_factors)
// grid ceil(n / 1024), block 256: a thread four elements
// reads all of them once, writes all but the gradient once: memory bound
// overwrites parameter, m, v and average; deterministic
#include "vector.cuh"

extern "C" __global__ void __launch_bounds__(256) adamw(float* parameter, const float* gradient, float* m, float* v, float* average, const float* step, long long n,
    float mean, float beta2, float square, float epsilon, float stays, float moves)
{
    constexpr int N = Vector<float>::N;
    long long i = first_element<N>();
    if (step[4] == 0) return;
    float factor = step[0], keep = step[1], root = step[2], size = step[3];
    int count = n - i < N ? (int)(n - i) : N;
    bool whole = count == N && aligned(parameter, gradient, m, v);
    Vector<float> p = load(parameter + i, count, whole), g = load(gradient + i, count, whole), means = load(m + i, count, whole), squares = load(v + i, count, whole);
#pragma unroll
    for (int j = 0; j < N; j++)
    {
        float d = g.at[j] * factor;
        means.at[j] = fmaf(mean, d - means.at[j], means.at[j]);
        squares.at[j] = fmaf(square * d, d, beta2 * squares.at[j]);
        p.at[j] = keep * p.at[j] - size * (means.at[j] / fmaf(sqrtf(squares.at[j]), root, epsilon));
    }
    store(parameter + i, p, count, whole);
    store(m + i, means, count, whole);
    store(v + i, squares, count, whole);
    if (average == nullptr) return;
    whole = count == N && aligned(average);
    Vector<float> a = load(average + i, count, whole);
#pragma unroll
    for (int j = 0; j < N; j++) a.at[j] = __fadd_rn(__fmul_rn(stays, a.at[j]), __fmul_rn(moves, p.at[j]));
    store(average + i, a, count, whole);
}

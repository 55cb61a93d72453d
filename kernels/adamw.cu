// adamw: torch.optim.AdamW (arXiv 1711.05101): g = scale * gradient, m += mean * (g - m), v = beta2 * v + square * g^2, p = keep * p - size * m / (sqrt(v) * root + epsilon)
// parameter, gradient, m, v [n] f32
// grid ceil(n / 1024), block 256: a thread four elements
// reads all four once, writes three of them once: memory bound
// overwrites parameter, m and v; deterministic
#include "vector.cuh"

extern "C" __global__ void __launch_bounds__(256) adamw(float* parameter, const float* gradient, float* m, float* v, long long n,
    float scale, float keep, float mean, float beta2, float square, float root, float epsilon, float size)
{
    constexpr int N = Vector<float>::N;
    long long i = first_element<N>();
    if (i >= n) return;
    int count = n - i < N ? (int)(n - i) : N;
    bool whole = count == N && aligned(parameter, gradient, m, v);
    Vector<float> p = load(parameter + i, count, whole), g = load(gradient + i, count, whole), means = load(m + i, count, whole), squares = load(v + i, count, whole);
#pragma unroll
    for (int j = 0; j < N; j++)
    {
        float d = g.at[j] * scale;
        means.at[j] = fmaf(mean, d - means.at[j], means.at[j]);
        squares.at[j] = fmaf(square * d, d, beta2 * squares.at[j]);
        p.at[j] = keep * p.at[j] - size * (means.at[j] / fmaf(sqrtf(squares.at[j]), root, epsilon));
    }
    store(parameter + i, p, count, whole);
    store(m + i, means, count, whole);
    store(v + i, squares, count, whole);
}

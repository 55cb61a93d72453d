// normals: y[b] = standard normals that follow from (seed, stream, positions[b]) alone: Philox4x32-10 makes the words, 16 of them at a time become normals by Box-Muller with Cephes' polynomials.
// Every operation is rounded where the CPU's is, so these are the CPU's bits.
// positions [rows] 64 bits at any multiple of four bytes, low half first; y [rows, n] f32
// grid (ceil(ceil(n / 16) * 8 / 256), rows), block 256: a thread makes two numbers, eight apart, of two words
// writes y once, the rest is arithmetic; deterministic
#include "half.cuh"

// The word at a place of a block of four: the counter is, from its low words up, the block's index, the stream and the position; the key is the seed.
__device__ __forceinline__ u32 philox(u64 seed, u32 stream, u32 position0, u32 position1, u32 index)
{
    u32 c0 = index / 4, c1 = stream, c2 = position0, c3 = position1, key0 = (u32)seed, key1 = (u32)(seed >> 32);
#pragma unroll
    for (int round = 0; round < 10; round++)
    {
        u64 product0 = (u64)0xD2511F53u * c0, product1 = (u64)0xCD9E8D57u * c2;
        c0 = (u32)(product1 >> 32) ^ c1 ^ key0;
        c1 = (u32)product1;
        c2 = (u32)(product0 >> 32) ^ c3 ^ key1;
        c3 = (u32)product0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    u32 at = index % 4;
    return at == 0 ? c0 : at == 1 ? c1 : at == 2 ? c2 : c3;
}

// In [0, 1), of 24 bits: exact.
__device__ __forceinline__ float uniform(u32 word) { return __fmul_rn((float)(word >> 8), 1.0f / (1 << 24)); }

// Cephes' logf for x in (0, 1].
__device__ __forceinline__ float log_of(float x)
{
    int bits = __float_as_int(x);
    float exponent = (float)((bits >> 23) - 126), mantissa = __int_as_float(bits & 0x007fffff | 0x3f000000), t = __fsub_rn(mantissa, 1.0f);
    if (mantissa < 0.70710678f)
    {
        exponent = __fsub_rn(exponent, 1.0f);
        t = __fadd_rn(t, mantissa);
    }
    float y = __fmaf_rn(7.0376836292e-2f, t, -1.1514610310e-1f);
    y = __fmaf_rn(y, t, 1.1676998740e-1f);
    y = __fmaf_rn(y, t, -1.2420140846e-1f);
    y = __fmaf_rn(y, t, 1.4249322787e-1f);
    y = __fmaf_rn(y, t, -1.6668057665e-1f);
    y = __fmaf_rn(y, t, 2.0000714765e-1f);
    y = __fmaf_rn(y, t, -2.4999993993e-1f);
    y = __fmaf_rn(y, t, 3.3333331174e-1f);
    float square = __fmul_rn(t, t);
    y = __fmaf_rn(__fmul_rn(y, t), square, __fmul_rn(exponent, -2.12194440e-4f));
    y = __fmaf_rn(-square, 0.5f, y);
    return __fmaf_rn(exponent, 0.693359375f, __fadd_rn(t, y));
}

// Cephes' sinf and cosf for x in [0, 2 pi].
__device__ __forceinline__ void sin_cos(float x, float& sine, float& cosine)
{
    int octant = ((int)__fmul_rn(x, 1.27323954473516f) + 1) & ~1;
    float j = (float)octant, t = __fmaf_rn(j, -0.78515625f, x);
    t = __fmaf_rn(j, -2.4187564849853515625e-4f, t);
    t = __fmaf_rn(j, -3.77489497744594108e-8f, t);
    float square = __fmul_rn(t, t);
    float even = __fmaf_rn(2.443315711809948e-5f, square, -1.388731625493765e-3f);
    even = __fmaf_rn(even, square, 4.166664568298827e-2f);
    even = __fadd_rn(__fmaf_rn(__fmul_rn(even, square), square, -__fmul_rn(square, 0.5f)), 1.0f);
    float odd = __fmaf_rn(-1.9515295891e-4f, square, 8.3321608736e-3f);
    odd = __fmaf_rn(odd, square, -1.6666654611e-1f);
    odd = __fmaf_rn(__fmul_rn(odd, square), t, t);
    bool exchanged = octant & 2;
    sine = exchanged ? even : odd;
    cosine = exchanged ? odd : even;
    if (octant & 4) sine = -sine;
    if (!((octant - 2) & 4)) cosine = -cosine;
}

extern "C" __global__ void __launch_bounds__(256) normals(u64 seed, u32 stream, const u32* positions, float* y, int n)
{
    int pair = blockIdx.x * 256 + threadIdx.x, first = pair / 8 * 16 + pair % 8, second = first + 8;
    if (first >= n) return;
    u32 position0 = positions[2 * blockIdx.y], position1 = positions[2 * blockIdx.y + 1];
    float u = uniform(philox(seed, stream, position0, position1, first)), turn = uniform(philox(seed, stream, position0, position1, second)), sine, cosine;
    float radius = __fsqrt_rn(__fmul_rn(-2.0f, log_of(__fsub_rn(1.0f, u))));
    sin_cos(__fmul_rn(6.2831853071795864f, turn), sine, cosine);
    y += (long long)blockIdx.y * n;
    y[first] = __fmul_rn(radius, cosine);
    if (second < n) y[second] = __fmul_rn(radius, sine);
}

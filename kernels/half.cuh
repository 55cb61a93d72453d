// 16-bit floats without the toolkit's headers: stored as 16 bits, computed with as float. Conversions round to nearest, ties to even.
#pragma once

typedef unsigned int u32;
typedef unsigned long long u64;

struct alignas(2) f16 { unsigned short bits; };
struct alignas(2) bf16 { unsigned short bits; };

__device__ __forceinline__ float to_float(float x) { return x; }

__device__ __forceinline__ float to_float(f16 x)
{
    float y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
    return y;
}

// A bfloat16 is the upper half of a float.
__device__ __forceinline__ float to_float(bf16 x) { return __uint_as_float((unsigned)x.bits << 16); }

template <typename T> __device__ T from_float(float x);

template <> __device__ __forceinline__ float from_float<float>(float x) { return x; }

template <> __device__ __forceinline__ f16 from_float<f16>(float x)
{
    f16 y;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}

template <> __device__ __forceinline__ bf16 from_float<bf16>(float x)
{
    bf16 y;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}

// Names an entry for each type of activations: M(type, suffix of the name).
#define FOR_EACH_FLOAT(M) M(float, f32) M(f16, f16) M(bf16, bf16)

// The functions of PeaEngine.Activation, in float, numbered as there.
#pragma once

enum Activation { None, Silu, Gelu, GeluTanh, QuickGelu };

// 1 / (1 + exp(-x)). A denominator beyond 2^126 gives 0, as it should.
__device__ __forceinline__ float sigmoid(float x) { return __fdividef(1.0f, 1.0f + expf(-x)); }

__device__ __forceinline__ float silu(float x) { return x * sigmoid(x); }

__device__ __forceinline__ float activate(float x, int activation)
{
    switch (activation)
    {
        case Silu: return silu(x);
        case Gelu: return 0.5f * x * (1.0f + erff(x * 0.70710678f));
        // 0.5 (1 + tanh(u)) = sigmoid(2u)
        case GeluTanh: return x * sigmoid(1.59576912f * (x + 0.044715f * x * x * x));
        case QuickGelu: return x * sigmoid(1.702f * x);
        default: return x;
    }
}

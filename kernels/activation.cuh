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

// The function's derivative; value becomes the function.
__device__ __forceinline__ float derivative(float x, int activation, float& value)
{
    float s;
    switch (activation)
    {
        case Silu:
            s = sigmoid(x);
            value = x * s;
            return s + value * (1 - s);
        case Gelu:
            s = 0.5f * (1.0f + erff(x * 0.70710678f));
            value = x * s;
            return s + x * 0.39894228f * expf(-0.5f * x * x);
        case GeluTanh:
            s = 1.59576912f * (x + 0.044715f * x * x * x);
            value = x * sigmoid(s);
            // 1 - sigmoid(s) would lose what its factor of x^3 then shows.
            return sigmoid(s) + value * sigmoid(-s) * (1.59576912f + 0.21406445f * x * x);
        case QuickGelu:
            s = sigmoid(1.702f * x);
            value = x * s;
            return s + value * (1 - s) * 1.702f;
        default:
            value = x;
            return 1;
    }
}

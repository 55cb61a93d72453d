// What the kernels of attention's gradients share.
#pragma once
#include "attention.cuh"

#define BACKWARD_ARGUMENTS(T) const T *q, const T *k, const T *v, const T *dy, const float *log_sum_exp, const float *deltas, T *dq, T *dk, T *dv, int queries, int keys, int heads, int dim, float scale, \
    const unsigned char *padding, const float *bias, int causal, int bias_batch, int bias_heads
#define BACKWARD_CALL q, k, v, dy, log_sum_exp, deltas, dq, dk, dv, queries, keys, heads, dim, scale, padding, bias, causal, bias_batch, bias_heads

// What a query's weights are measured against, in units of log2 e: infinity where it sees no key, so that they are zero.
__device__ __forceinline__ float origin_of(float log_sum_exp) { return log_sum_exp == -infinity() ? infinity() : log_sum_exp * 1.4426950408889634f; }

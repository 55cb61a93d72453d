// plain_backward_keys, plain_backward_queries: attention_backward without tensor cores: in F32, and for heads of more than 160 channels; arguments as attention_backward's
// A warp an owner, a key or a query, whose channels its lanes share: PLACES each; it meets all others in their order
// grid (ceil(owners / 4), heads, batch), block 128
// overwrites dq, or dk and dv; deterministic
// bias_backward: dbias += ds, summed over the samples, and over the heads, that share the bias, in their order
// dbias [bias_batch, bias_heads, queries, keys] f32; batch samples
// grid (ceil(keys / 32), ceil(queries / 4), bias_batch * bias_heads), block (32, 4): a thread an element; deterministic
#include "attention_backward.cuh"
#include "reduce.cuh"
#include "vector.cuh"

// A row's channels of a lane, zeros past the last.
template <int Places, typename T> __device__ __forceinline__ void take(float (&to)[Places], const T* from, int dim)
{
#pragma unroll
    for (int i = 0; i < Places; i++) to[i] = (int)threadIdx.x % 32 + 32 * i < dim ? to_float(from[threadIdx.x % 32 + 32 * i]) : 0;
}

template <int Places, typename T> __device__ __forceinline__ void give(T* to, const float (&from)[Places], float scale, int dim)
{
#pragma unroll
    for (int i = 0; i < Places; i++)
        if ((int)threadIdx.x % 32 + 32 * i < dim) to[threadIdx.x % 32 + 32 * i] = from_float<T>(from[i] * scale);
}

template <int Places, bool OfKeys, typename T> __device__ __forceinline__ void backward_plain(BACKWARD_ARGUMENTS(T))
{
    int owner = blockIdx.x * 4 + threadIdx.x / 32, head = blockIdx.y, batch = blockIdx.z;
    if (owner >= (OfKeys ? keys : queries)) return;
    u64 stride = (u64)heads * dim, at_queries = (u64)batch * queries * stride + head * dim, at_keys = (u64)batch * keys * stride + head * dim, at_owner = owner * stride;
    const T *other = OfKeys ? q + at_queries : k + at_keys, *other_value = OfKeys ? dy + at_queries : v + at_keys;
    log_sum_exp += ((u64)batch * heads + head) * queries;
    deltas += ((u64)batch * heads + head) * queries;
    float x[Places], values[Places], y[Places], y_values[Places], sums[Places] = {}, value_sums[Places] = {};
    take(x, OfKeys ? k + at_keys + at_owner : q + at_queries + at_owner, dim);
    take(values, OfKeys ? v + at_keys + at_owner : dy + at_queries + at_owner, dim);
    int begin = OfKeys && causal ? owner : 0, end = OfKeys ? queries : causal ? min(keys, owner + 1) : keys;
    for (int i = begin; i < end; i++)
    {
        take(y, other + i * stride, dim);
        take(y_values, other_value + i * stride, dim);
        float score = 0, slope = 0;
#pragma unroll
        for (int j = 0; j < Places; j++)
        {
            score = fmaf(x[j], y[j], score);
            slope = fmaf(values[j], y_values[j], slope);
        }
        int query = OfKeys ? i : owner, key = OfKeys ? owner : i;
        score = masked(warp_sum(score), scale * 1.4426950408889634f, MASK, batch, head, query, key, queries, keys);
        float weight = exp2f(score - origin_of(log_sum_exp[query]));
        slope = weight * (warp_sum(slope) - deltas[query]);
#pragma unroll
        for (int j = 0; j < Places; j++)
        {
            sums[j] = fmaf(slope, y[j], sums[j]);
            if (OfKeys) value_sums[j] = fmaf(weight, y_values[j], value_sums[j]);
        }
    }
    give(OfKeys ? dk + at_keys + at_owner : dq + at_queries + at_owner, sums, scale, dim);
    if (OfKeys) give(dv + at_keys + at_owner, value_sums, 1.0f, dim);
}

// The products of a query with a key, and of its gradient with the value.
template <int N, typename T> __device__ __forceinline__ void products_of(const T* q, const T* k, const T* dy, const T* v, int dim, float& score, float& slope)
{
    score = slope = 0;
    for (int c = 0; c < dim; c += N)
    {
        Vector<T, N> a = load<N>(q + c), b = load<N>(k + c), d = load<N>(dy + c), e = load<N>(v + c);
#pragma unroll
        for (int j = 0; j < N; j++)
        {
            score = fmaf(to_float(a.at[j]), to_float(b.at[j]), score);
            slope = fmaf(to_float(d.at[j]), to_float(e.at[j]), slope);
        }
    }
}

template <typename T>
__device__ __forceinline__ void backward_bias(const T* q, const T* k, const T* v, const T* dy, const float* log_sum_exp, const float* deltas, float* dbias, int batch, int queries, int keys, int heads, int dim,
    float scale, const unsigned char* padding, const float* bias, int causal, int bias_batch, int bias_heads)
{
    int key = blockIdx.x * 32 + threadIdx.x, query = blockIdx.y * 4 + threadIdx.y, batches = batch / bias_batch, group = heads / bias_heads;
    if (key >= keys || query >= queries) return;
    bool whole = dim % Vector<T>::N == 0 && aligned(q, k, v, dy);
    float sum = 0;
    for (int b = blockIdx.z / bias_heads * batches, last = b + batches; b < last; b++)
        for (int h = blockIdx.z % bias_heads * group, last_head = h + group; h < last_head; h++)
        {
            u64 at_query = (((u64)b * queries + query) * heads + h) * dim, at_key = (((u64)b * keys + key) * heads + h) * dim, number = ((u64)b * heads + h) * queries + query;
            float score, slope;
            if (whole) products_of<Vector<T>::N>(q + at_query, k + at_key, dy + at_query, v + at_key, dim, score, slope);
            else products_of<1>(q + at_query, k + at_key, dy + at_query, v + at_key, dim, score, slope);
            score = masked(score, scale * 1.4426950408889634f, MASK, b, h, query, key, queries, keys);
            sum += exp2f(score - origin_of(log_sum_exp[number])) * (slope - deltas[number]);
        }
    dbias[((u64)blockIdx.z * queries + query) * keys + key] += sum;
}

#define PLAIN(T, places, suffix) \
    extern "C" __global__ void __launch_bounds__(128) plain_backward_keys_##suffix(BACKWARD_ARGUMENTS(T)) { backward_plain<places, true>(BACKWARD_CALL); } \
    extern "C" __global__ void __launch_bounds__(128) plain_backward_queries_##suffix(BACKWARD_ARGUMENTS(T)) { backward_plain<places, false>(BACKWARD_CALL); }

PLAIN(float, 2, 64_f32)
PLAIN(float, 16, 512_f32)
PLAIN(f16, 16, 512_f16)
PLAIN(bf16, 16, 512_bf16)

#define BIAS(T, name) \
    extern "C" __global__ void __launch_bounds__(128) bias_backward_##name(const T* q, const T* k, const T* v, const T* dy, const float* log_sum_exp, const float* deltas, float* dbias, \
        int batch, int queries, int keys, int heads, int dim, float scale, const unsigned char* padding, const float* bias, int causal, int bias_batch, int bias_heads) \
    { \
        backward_bias(q, k, v, dy, log_sum_exp, deltas, dbias, batch, queries, keys, heads, dim, scale, padding, bias, causal, bias_batch, bias_heads); \
    }
FOR_EACH_FLOAT(BIAS)

// plain_backward_keys, plain_backward_queries: attention_backward without tensor cores: in F32, and for heads of more than 160 channels; arguments as attention_backward's
// A warp an owner, a key or a query; it meets 32 others at a time, in their order; PLACES channels a lane
// grid (ceil(owners / 4), heads, batch), block 128
// overwrites dq, or dk and dv; deterministic
// bias_backward: dbias += ds, summed over the samples, and over the heads, that share the bias, in their order
// dbias [bias_batch, bias_heads, queries, keys] f32; batch samples
// grid (ceil(keys / 32), ceil(queries / 4), bias_batch * bias_heads), block (32, 4): a thread an element; deterministic
#include "attention_backward.cuh"
#include "attention_plain.cuh"

template <int Places, bool OfKeys, typename T> __device__ __forceinline__ void backward_plain(BACKWARD_ARGUMENTS(T))
{
    int owner = blockIdx.x * 4 + threadIdx.x / 32, lane = threadIdx.x % 32, head = blockIdx.y, batch = blockIdx.z;
    if (owner >= (OfKeys ? keys : queries)) return;
    u64 stride = (u64)heads * dim, at_queries = (u64)batch * queries * stride + head * dim, at_keys = (u64)batch * keys * stride + head * dim, at_owner = owner * stride;
    const T *row = (OfKeys ? k + at_keys : q + at_queries) + at_owner, *value = (OfKeys ? v + at_keys : dy + at_queries) + at_owner;
    const T *other = OfKeys ? q + at_queries : k + at_keys, *other_value = OfKeys ? dy + at_queries : v + at_keys;
    log_sum_exp += ((u64)batch * heads + head) * queries;
    deltas += ((u64)batch * heads + head) * queries;
    bool whole = dim % Vector<T>::N == 0 && aligned(q, k, v, dy);
    float sums[Places] = {}, value_sums[Places] = {};
    int begin = OfKeys && causal ? owner : 0, end = OfKeys ? queries : causal ? min(keys, owner + 1) : keys;
    for (int first = begin; first < end; first += 32)
    {
        float weight = 0, slope = 0;
        if (first + lane < end)
        {
            int query = OfKeys ? first + lane : owner, key = OfKeys ? owner : first + lane;
            u64 at = (first + lane) * stride;
            float score = masked(product_of(row, other + at, dim, whole), scale * 1.4426950408889634f, MASK, batch, head, query, key, queries, keys);
            weight = exp2f(score - origin_of(log_sum_exp[query]));
            slope = weight * (product_of(value, other_value + at, dim, whole) - deltas[query]);
        }
        int count = min(32, end - first);
        add_rows(sums, slope, other + first * stride, stride, count, dim);
        if (OfKeys) add_rows(value_sums, weight, other_value + first * stride, stride, count, dim);
    }
    give((OfKeys ? dk + at_keys : dq + at_queries) + at_owner, sums, scale, dim);
    if (OfKeys) give(dv + at_keys + at_owner, value_sums, 1.0f, dim);
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
            float slope = product_of(dy + at_query, v + at_key, dim, whole), score = masked(product_of(q + at_query, k + at_key, dim, whole), scale * 1.4426950408889634f, MASK, b, h, query, key, queries, keys);
            sum += exp2f(score - origin_of(log_sum_exp[number])) * (slope - deltas[number]);
        }
    dbias[((u64)blockIdx.z * queries + query) * keys + key] += sum;
}

#define PLAIN(T, places, suffix) \
    extern "C" __global__ void __launch_bounds__(128, 4) plain_backward_keys_##suffix(BACKWARD_ARGUMENTS(T)) { backward_plain<places, true>(BACKWARD_CALL); } \
    extern "C" __global__ void __launch_bounds__(128, 4) plain_backward_queries_##suffix(BACKWARD_ARGUMENTS(T)) { backward_plain<places, false>(BACKWARD_CALL); }

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

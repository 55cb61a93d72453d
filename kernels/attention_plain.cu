// attention_plain: attention in F32, for checks; arguments as attention's
// grid (ceil(queries / 4), heads, batch), block 128: a warp a query, 32 keys at a time; PLACES channels a lane
// overwrites y, log_sum_exp; deterministic: keys are added in their order
#include "attention_plain.cuh"

template <int Places> __device__ __forceinline__ void attention_plain(ARGUMENTS(float))
{
    int query = blockIdx.x * 4 + threadIdx.x / 32, lane = threadIdx.x % 32, head = blockIdx.y, batch = blockIdx.z;
    if (query >= queries) return;
    u64 stride = (u64)heads * dim, at_query = ((u64)batch * queries + query) * stride + head * dim, at_keys = (u64)batch * keys * stride + head * dim;
    bool whole = dim % Vector<float>::N == 0 && aligned(q, k);
    int last = causal ? min(keys, query + 1) : keys;
    float sums[Places] = {}, most = -infinity(), sum = 0;
    for (int first = 0; first < last; first += 32)
    {
        int key = first + lane;
        float score = key < last ? masked(product_of(q + at_query, k + at_keys + key * stride, dim, whole), scale * 1.4426950408889634f, MASK, batch, head, query, key, queries, keys) : -infinity();
        float next = fmaxf(most, warp_max(score));
        if (next == -infinity()) continue;
        float kept = exp2f(most - next), weight = exp2f(score - next);
        most = next;
        sum = sum * kept + warp_sum(weight);
#pragma unroll
        for (int j = 0; j < Places; j++) sums[j] *= kept;
        add_rows(sums, weight, v + at_keys + first * stride, stride, min(32, last - first), dim);
    }
    // y may be q, of which no other warp reads this row.
    give(y + at_query, sums, sum > 0 ? 1 / sum : 0, dim);
    if (log_sum_exp && lane == 0) log_sum_exp[((u64)batch * heads + head) * queries + query] = most * 0.69314718055994531f + logf(sum);
}

extern "C" __global__ void __launch_bounds__(128, 3) attention_plain_64_f32(ARGUMENTS(float)) { attention_plain<2>(CALL); }
extern "C" __global__ void __launch_bounds__(128, 3) attention_plain_512_f32(ARGUMENTS(float)) { attention_plain<16>(CALL); }

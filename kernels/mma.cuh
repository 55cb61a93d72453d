// Tensor cores and asynchronous copies of sm_80 and later (PTX ISA: mma.sync.m16n8k16, ldmatrix, cp.async). Lane l of a warp has group g = l / 4 and place t = l % 4.
#pragma once
#include "vector.cuh"

__device__ __forceinline__ u32 shared_address(const void* p) { return (u32)__cvta_generic_to_shared(p); }

// Four 8×8 matrices of 16-bit elements; lane l gives the address of row l % 8 of matrix l / 8.
__device__ __forceinline__ void ldmatrix(u32 (&r)[4], u32 address)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}

// The same, each matrix transposed.
__device__ __forceinline__ void ldmatrix_transposed(u32 (&r)[4], u32 address)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}

// Two elements in a register, the first in the low half.
template <typename T> __device__ u32 pack(float a, float b);
template <> __device__ __forceinline__ u32 pack<f16>(float a, float b) { u32 y; asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(b), "f"(a)); return y; }
template <> __device__ __forceinline__ u32 pack<bf16>(float a, float b) { u32 y; asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(b), "f"(a)); return y; }

// d[16×8] += a[16×16] · b[16×8]. d: rows g and g + 8, columns 2t and 2t + 1.
template <typename T> __device__ __forceinline__ void mma(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1);
#define MMA(T, name) \
    template <> __device__ __forceinline__ void mma<T>(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) \
    { \
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." name "." name ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
            : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1)); \
    }
MMA(f16, "f16")
MMA(bf16, "bf16")
#undef MMA

// 16 bytes from global to shared memory without registers; zeros where not inside. The source must be an address even then.
__device__ __forceinline__ void copy_async(u32 shared, const void* global, bool inside)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(shared), "l"(__cvta_generic_to_global(global)), "r"(inside ? 16 : 0) : "memory");
}

__device__ __forceinline__ void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Until all but the newest `left` groups of this thread's copies have arrived; other threads' need a barrier, too.
template <int left> __device__ __forceinline__ void wait_copies() { asm volatile("cp.async.wait_group %0;" :: "n"(left) : "memory"); }

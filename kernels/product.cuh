// Rows that products are made of: c[m, n] = sum over k of a(m, k) · b(n, k). Both are contiguous along the depth in linear layers and in convolutions over channels-last
// images; in their gradients one is, or both are, contiguous along the rows, which is called turned. Where the rows come from is an Input (a matrix, an image's pixels),
// what becomes of c an Epilogue.
//
// struct Input { Element; Turned; Row row(int m); Column column(int k); void advance(Column&, int by); const Element* at(Row, Column); bool whole(); x };
// at: null for zero; whole: four elements from every fourth place of the depth on lie side by side, aligned to 16 bytes if they are floats; x: an address
#pragma once
#include "vector.cuh"

// A matrix [rows, depth].
template <typename T> struct MatrixInput
{
    typedef T Element;
    static constexpr bool Turned = false;

    const T* x;
    int rows, depth;

    struct Row { const T* start; bool inside; };
    struct Column { int k; };

    __device__ __forceinline__ Row row(int m) const { return {x + (u64)m * depth, m < rows}; }
    __device__ __forceinline__ Column column(int k) const { return {k}; }
    __device__ __forceinline__ void advance(Column& c, int by) const { c.k += by; }
    __device__ __forceinline__ const T* at(Row r, Column c) const { return r.inside && c.k < depth ? r.start + c.k : nullptr; }
    __device__ __forceinline__ bool whole() const { return depth % 4 == 0 && aligned(x); }
};

// A matrix [depth, rows].
template <typename T> struct TurnedMatrixInput
{
    typedef T Element;
    static constexpr bool Turned = true;

    const T* x;
    int rows, depth;

    struct Row { const T* start; bool inside; };
    struct Column { int k; };

    __device__ __forceinline__ Row row(int m) const { return {x + m, m < rows}; }
    __device__ __forceinline__ Column column(int k) const { return {k}; }
    __device__ __forceinline__ void advance(Column& c, int by) const { c.k += by; }
    __device__ __forceinline__ const T* at(Row r, Column c) const { return r.inside && c.k < depth ? r.start + (u64)c.k * rows : nullptr; }
    __device__ __forceinline__ bool whole() const { return false; }
};

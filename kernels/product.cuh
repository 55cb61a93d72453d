// Rows that products are made of. A product of rows and columns, both contiguous along the depth, is c[m, n] = sum over k of a(m, k) · b(n, k), as in linear layers
// and in convolutions over channels-last images. Where the rows come from is an Input (a matrix, an image's pixels), what becomes of c an Epilogue.
//
// struct Input { Element; Row row(int m); Column column(int k); void advance(Column&, int by); const Element* at(Row, Column); x };   // at: null for zero; x: an address
#pragma once
#include "half.cuh"

// A matrix [rows, depth].
template <typename T> struct MatrixInput
{
    typedef T Element;

    const T* x;
    int rows, depth;

    struct Row { const T* start; bool inside; };
    struct Column { int k; };

    __device__ __forceinline__ Row row(int m) const { return {x + (u64)m * depth, m < rows}; }
    __device__ __forceinline__ Column column(int k) const { return {k}; }
    __device__ __forceinline__ void advance(Column& c, int by) const { c.k += by; }
    __device__ __forceinline__ const T* at(Row r, Column c) const { return r.inside && c.k < depth ? r.start + c.k : nullptr; }
};

// A product of 16-bit floats on tensor cores, summed in float; operands arrive in shared memory by asynchronous copies, several stages ahead.
// They lie there as in memory: along the depth, or, where an input is turned, across it.
//
// struct Epilogue { template <class Rows> void store(const float* c, int m, int n, int lane) };   // 16 × 8·Rows::Chunks products, some may be outside
#pragma once
#include "mma.cuh"
#include "product.cuh"

// A CTA's tile: BM × BN outputs, each warp WM × WN of them, 32 of the depth at a time, STAGES of which are in shared memory.
template <int BM_, int BN_, int WM_, int WN_, int STAGES_> struct Tile
{
    static constexpr int BM = BM_, BN = BN_, WM = WM_, WN = WN_, STAGES = STAGES_, BK = 32;
    static constexpr int Warps = BM / WM * (BN / WN), Threads = 32 * Warps;
    static constexpr int StageElements = (BM + BN) * BK;
    static constexpr int SharedBytes = STAGES * StageElements * 2;
};

// 16 rows of a warp's sums in shared memory, in eights. The halves of an eight are exchanged so that neither their writers nor whoever takes eights row by row meet a bank twice.
template <int Columns> struct SumRows
{
    static constexpr int Chunks = Columns / 8, Pitch = Columns + 8, Floats = 16 * Pitch;

    static __device__ __forceinline__ int half_at(int row, int chunk, int half) { return row * Pitch + chunk * 8 + ((half ^ row ^ chunk >> 2) & 1) * 4; }

    static __device__ __forceinline__ void put(float* rows, int row, int chunk, int column, float a, float b)
    {
        *(float2*)(rows + half_at(row, chunk, column >> 2) + (column & 3)) = make_float2(a, b);
    }

    static __device__ __forceinline__ float at(const float* rows, int row, int chunk, int column) { return rows[half_at(row, chunk, column >> 2) + (column & 3)]; }

    static __device__ __forceinline__ void take(const float* rows, int row, int chunk, float (&x)[8])
    {
        float4 a = *(const float4*)(rows + half_at(row, chunk, 0)), b = *(const float4*)(rows + half_at(row, chunk, 1));
        x[0] = a.x, x[1] = a.y, x[2] = a.z, x[3] = a.w, x[4] = b.x, x[5] = b.y, x[6] = b.z, x[7] = b.w;
    }
};

// A row of 32 elements is four chunks of 16 bytes; two rows share the 32 banks. Chunks are exchanged so that eight rows of one chunk lie in all banks.
__device__ __forceinline__ u32 chunk_offset(int row, int chunk) { return row * 64 + ((chunk ^ (row >> 1 & 3)) << 4); }

// Across the depth: 32 runs of Rows elements. Eight runs of one chunk lie in all banks.
template <int Rows> __device__ __forceinline__ u32 turned_offset(int k, int chunk) { return k * Rows * 2 + ((chunk ^ (k & 7)) << 4); }

// What a thread brings of one operand to shared memory: the same chunk of every (Threads / 4)-th row.
template <class Tile, class Input, int Rows, bool Turned = Input::Turned> struct Loader
{
    static constexpr int Step = Tile::Threads / 4, Count = Rows / Step;
    static_assert(Rows % Step == 0, "every thread loads as many rows");

    const Input& input;
    typename Input::Row rows[Count];
    typename Input::Column column;
    u32 offset;

    __device__ __forceinline__ Loader(const Input& input, int first, u32 begin) : input(input), column(input.column(threadIdx.x % 4 * 8))
    {
        int row = threadIdx.x / 4;
#pragma unroll
        for (int i = 0; i < Count; i++) rows[i] = input.row(first + row + i * Step);
        // Step is a multiple of 8, so the exchange of chunks is the same for all of the thread's rows.
        offset = begin + chunk_offset(row, threadIdx.x % 4);
    }

    // Sixteen bytes at once, which asks for a depth that is a multiple of 8 within each of the input's runs.
    __device__ __forceinline__ void load_vectors(u32 stage)
    {
#pragma unroll
        for (int i = 0; i < Count; i++)
        {
            const typename Input::Element* from = input.at(rows[i], column);
            copy_async(stage + offset + i * Step * 64, from ? from : input.x, from != nullptr);
        }
        input.advance(column, Tile::BK);
    }

    // Element by element, for depths of which nothing is known.
    __device__ __forceinline__ void load_elements(unsigned char* shared, u32 stage)
    {
#pragma unroll
        for (int i = 0; i < Count; i++)
        {
            typename Input::Column c = column;
            u32 pairs[4];
#pragma unroll
            for (int j = 0; j < 8; j++)
            {
                const typename Input::Element* from = input.at(rows[i], c);
                u32 bits = from ? from->bits : 0;
                pairs[j / 2] = j % 2 ? pairs[j / 2] | bits << 16 : bits;
                input.advance(c, 1);
            }
            *(uint4*)(shared + stage + offset + i * Step * 64) = make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
        }
        input.advance(column, Tile::BK);
    }
};

// The same of a turned operand: one chunk of rows, at every Step-th place of the depth.
template <class Tile, class Input, int Rows> struct Loader<Tile, Input, Rows, true>
{
    static constexpr int Chunks = Rows / 8, Step = Tile::Threads / Chunks, Count = Tile::BK / Step;
    static_assert(Tile::Threads % Chunks == 0 && Tile::BK % Step == 0 && Step % 8 == 0, "every thread loads as many chunks, all exchanged alike");

    const Input& input;
    typename Input::Row row;
    typename Input::Column columns[Count];
    int first;
    u32 offset;

    __device__ __forceinline__ Loader(const Input& input, int begin_row, u32 begin) : input(input), first(begin_row + threadIdx.x % Chunks * 8)
    {
        int k = threadIdx.x / Chunks;
        row = input.row(first);
#pragma unroll
        for (int i = 0; i < Count; i++) columns[i] = input.column(k + i * Step);
        offset = begin + turned_offset<Rows>(k, threadIdx.x % Chunks);
    }

    // Sixteen bytes at once, which asks for rows whose number is a multiple of 8 within each of the input's runs.
    __device__ __forceinline__ void load_vectors(u32 stage)
    {
#pragma unroll
        for (int i = 0; i < Count; i++)
        {
            const typename Input::Element* from = input.at(row, columns[i]);
            copy_async(stage + offset + i * Step * Rows * 2, from ? from : input.x, from != nullptr);
            input.advance(columns[i], Tile::BK);
        }
    }

    __device__ __forceinline__ void load_elements(unsigned char* shared, u32 stage)
    {
#pragma unroll
        for (int i = 0; i < Count; i++)
        {
            u32 pairs[4];
#pragma unroll
            for (int j = 0; j < 8; j++)
            {
                const typename Input::Element* from = input.at(input.row(first + j), columns[i]);
                u32 bits = from ? from->bits : 0;
                pairs[j / 2] = j % 2 ? pairs[j / 2] | bits << 16 : bits;
            }
            *(uint4*)(shared + stage + offset + i * Step * Rows * 2) = make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
            input.advance(columns[i], Tile::BK);
        }
    }
};

// Adds a stage's products to a warp's sums.
template <class Tile, class A, class B> __device__ __forceinline__ void multiply(u32 stage, int warp_m, int warp_n, float (&sums)[Tile::WM / 16][Tile::WN / 8][4])
{
    int lane = threadIdx.x % 32;
    u32 columns = stage + Tile::BM * 64;
#pragma unroll
    for (int step = 0; step < 2; step++)
    {
        u32 a[Tile::WM / 16][4], b[Tile::WN / 16][4];
#pragma unroll
        for (int i = 0; i < Tile::WM / 16; i++)
            if (A::Turned) ldmatrix_transposed(a[i], stage + turned_offset<Tile::BM>(step * 16 + lane / 16 * 8 + lane % 8, warp_m / 8 + i * 2 + lane / 8 % 2));
            else ldmatrix(a[i], stage + chunk_offset(warp_m + i * 16 + lane % 16, step * 2 + lane / 16));
#pragma unroll
        for (int j = 0; j < Tile::WN / 16; j++)
            if (B::Turned) ldmatrix_transposed(b[j], columns + turned_offset<Tile::BN>(step * 16 + lane % 16, warp_n / 8 + j * 2 + lane / 16));
            else ldmatrix(b[j], columns + chunk_offset(warp_n + j * 16 + lane / 16 * 8 + lane % 8, step * 2 + lane / 8 % 2));
#pragma unroll
        for (int i = 0; i < Tile::WM / 16; i++)
#pragma unroll
            for (int j = 0; j < Tile::WN / 8; j++) mma<typename A::Element>(sums[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
    }
}

// Gives every 16 × WN of a warp's sums to the epilogue in rows of eight, through shared memory, so that global memory sees whole sectors.
template <class Tile, class Epilogue> __device__ __forceinline__ void give(unsigned char* shared, const Epilogue& epilogue, int first_m, int first_n, const float (&sums)[Tile::WM / 16][Tile::WN / 8][4])
{
    typedef SumRows<Tile::WN> Rows;
    static_assert(Tile::SharedBytes >= Tile::Warps * Rows::Floats * 4, "the epilogue's rows do not fit");
    int lane = threadIdx.x % 32;
    float* rows = (float*)shared + threadIdx.x / 32 * Rows::Floats;
#pragma unroll
    for (int i = 0; i < Tile::WM / 16; i++)
    {
#pragma unroll
        for (int j = 0; j < Tile::WN / 8; j++)
        {
            Rows::put(rows, lane / 4, j, lane % 4 * 2, sums[i][j][0], sums[i][j][1]);
            Rows::put(rows, lane / 4 + 8, j, lane % 4 * 2, sums[i][j][2], sums[i][j][3]);
        }
        __syncwarp();
        epilogue.template store<Rows>(rows, first_m + i * 16, first_n, lane);
        if (i + 1 < Tile::WM / 16) __syncwarp();
    }
}

template <class Tile, bool Vectors, class A, class B, class Epilogue>
__device__ __forceinline__ void gemm(unsigned char* shared, const A& a, const B& b, int depth, int block_m, int block_n, const Epilogue& epilogue)
{
    u32 base = shared_address(shared);
    Loader<Tile, A, Tile::BM> rows(a, block_m * Tile::BM, 0);
    Loader<Tile, B, Tile::BN> columns(b, block_n * Tile::BN, Tile::BM * 64);
    float sums[Tile::WM / 16][Tile::WN / 8][4] = {};
    int warp = threadIdx.x / 32, warp_m = warp % (Tile::BM / Tile::WM) * Tile::WM, warp_n = warp / (Tile::BM / Tile::WM) * Tile::WN;
    int steps = (depth + Tile::BK - 1) / Tile::BK;

    auto load = [&](int step)
    {
        u32 stage = step % Tile::STAGES * Tile::StageElements * 2;
        if (step < steps)
        {
            if (Vectors)
            {
                rows.load_vectors(base + stage);
                columns.load_vectors(base + stage);
            }
            else
            {
                rows.load_elements(shared, stage);
                columns.load_elements(shared, stage);
            }
        }
        // An empty group past the end keeps the count of groups in flight.
        if (Vectors) commit_copies();
    };

#pragma unroll
    for (int step = 0; step < Tile::STAGES - 1; step++) load(step);
    for (int step = 0; step < steps; step++)
    {
        if (Vectors) wait_copies<Tile::STAGES - 2>();
        __syncthreads();
        // The stage that every warp has left before this barrier.
        load(step + Tile::STAGES - 1);
        multiply<Tile, A, B>(base + step % Tile::STAGES * Tile::StageElements * 2, warp_m, warp_n, sums);
    }
    // All copies have arrived, and the stages are free for the epilogue.
    __syncthreads();
    give<Tile>(shared, epilogue, block_m * Tile::BM + warp_m, block_n * Tile::BN + warp_n, sums);
}

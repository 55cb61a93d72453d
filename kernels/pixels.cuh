// Pixels and what a convolution's kernel sees of them, as rows of products (product.cuh). Images are channels last.
#pragma once
#include "product.cuh"

// A place of a kernel, and a channel there: what the depth of a convolution runs over.
struct Tap
{
    int channel, y, x;

    static __device__ __forceinline__ Tap of(int k, int channels, int kernel)
    {
        int place = k / channels;
        return {k % channels, place / kernel, place % kernel};
    }

    __device__ __forceinline__ void advance(int by, int channels, int kernel)
    {
        for (channel += by; channel >= channels; channel -= channels)
            if (++x == kernel)
            {
                x = 0;
                y++;
            }
    }
};

// What an output pixel sees: a row for each, along taps.
template <typename T> struct PixelInput
{
    typedef T Element;
    static constexpr bool Turned = false;

    const T* x;
    int images, height, width, channels, resized_height, resized_width, out_height, out_width, kernel, stride, padding;

    struct Row { const T* image; int y, x; };
    typedef Tap Column;

    __device__ __forceinline__ Row row(int m) const
    {
        int pixels = out_height * out_width, image = m / pixels, pixel = m % pixels;
        // A row that is no pixel lies above every image.
        return {x + (u64)image * height * width * channels, image < images ? pixel / out_width * stride - padding : -kernel - 1, pixel % out_width * stride - padding};
    }

    __device__ __forceinline__ Tap column(int k) const { return Tap::of(k, channels, kernel); }
    __device__ __forceinline__ void advance(Tap& c, int by) const { c.advance(by, channels, kernel); }

    __device__ __forceinline__ const T* at(Row r, Column c) const
    {
        int y = r.y + c.y, x = r.x + c.x;
        if (c.y >= kernel || (unsigned)y >= (unsigned)resized_height || (unsigned)x >= (unsigned)resized_width) return nullptr;
        if (resized_height != height) y = y * height / resized_height;
        if (resized_width != width) x = x * width / resized_width;
        return r.image + ((u64)(y * width + x) * channels + c.channel);
    }

    __device__ __forceinline__ bool whole() const { return channels % 4 == 0 && aligned(x); }
};

// The same turned: a row for each tap, along output pixels from `first` on, `depth` of them.
template <typename T> struct TurnedPixelInput
{
    typedef T Element;
    static constexpr bool Turned = true;

    const T* x;
    int height, width, channels, resized_height, resized_width, out_height, out_width, kernel, stride, padding, first, depth;

    typedef Tap Row;
    struct Column { int k, image, y, x; };

    __device__ __forceinline__ Tap row(int n) const { return Tap::of(n, channels, kernel); }

    __device__ __forceinline__ Column column(int k) const
    {
        int pixels = out_height * out_width, pixel = (first + k) % pixels;
        return {k, (first + k) / pixels, pixel / out_width, pixel % out_width};
    }

    __device__ __forceinline__ void advance(Column& c, int by) const
    {
        c.k += by;
        for (c.x += by; c.x >= out_width; c.x -= out_width)
            if (++c.y == out_height)
            {
                c.y = 0;
                c.image++;
            }
    }

    __device__ __forceinline__ const T* at(Tap r, Column c) const
    {
        int y = c.y * stride - padding + r.y, x = c.x * stride - padding + r.x;
        if (r.y >= kernel || c.k >= depth || (unsigned)y >= (unsigned)resized_height || (unsigned)x >= (unsigned)resized_width) return nullptr;
        if (resized_height != height) y = y * height / resized_height;
        if (resized_width != width) x = x * width / resized_width;
        return this->x + ((u64)((c.image * height + y) * width + x) * channels + r.channel);
    }

    __device__ __forceinline__ bool whole() const { return false; }
};

// Input pixels of a strided convolution that the same places of the kernel see: every stride-th both ways, so that no product is one with zeros. With a stride of 1 these are all.
struct PixelClass
{
    int first_y, first_x, height, width;                  // the first of them, and how many
    int tap_y, tap_x, taps_y, taps_x;                     // the first place of the kernel, and how many, every stride-th
    int seen_y, seen_x;                                   // the output pixel that sees the first pixel through the first place

    __device__ __forceinline__ PixelClass(int number, int all_height, int all_width, int kernel, int stride, int padding)
    {
        first_y = number / stride, first_x = number % stride;
        height = (all_height - first_y + stride - 1) / stride, width = (all_width - first_x + stride - 1) / stride;
        tap_y = (first_y + padding) % stride, tap_x = (first_x + padding) % stride;
        taps_y = (kernel - tap_y + stride - 1) / stride, taps_x = (kernel - tap_x + stride - 1) / stride;
        seen_y = (first_y + padding) / stride, seen_x = (first_x + padding) / stride;
    }
};

// What sees an input pixel of a class: a row for each, along taps; x are the gradients of the output pixels.
template <typename T> struct SeenInput
{
    typedef T Element;
    static constexpr bool Turned = false;

    const T* x;
    PixelClass pixels;
    int images, channels, out_height, out_width;

    struct Row { const T* image; int y, x; };
    typedef Tap Column;

    __device__ __forceinline__ Row row(int m) const
    {
        int count = pixels.height * pixels.width, image = m / count, pixel = m % count;
        // A row that is no pixel is seen by none.
        return {x + (u64)image * out_height * out_width * channels, image < images ? pixel / pixels.width + pixels.seen_y : -1, pixel % pixels.width + pixels.seen_x};
    }

    __device__ __forceinline__ Tap column(int k) const { return Tap::of(k, channels, max(pixels.taps_x, 1)); }
    __device__ __forceinline__ void advance(Tap& c, int by) const { c.advance(by, channels, pixels.taps_x); }

    __device__ __forceinline__ const T* at(Row r, Tap c) const
    {
        int y = r.y - c.y, x = r.x - c.x;
        return c.y < pixels.taps_y && (unsigned)y < (unsigned)out_height && (unsigned)x < (unsigned)out_width ? r.image + ((u64)(y * out_width + x) * channels + c.channel) : nullptr;
    }

    __device__ __forceinline__ bool whole() const { return channels % 4 == 0 && aligned(x); }
};

// A convolution's weight [outputs, kernel * kernel, rows], turned: along the places of the kernel that see a class, and their outputs, as SeenInput.
template <typename T> struct TurnedTapInput
{
    typedef T Element;
    static constexpr bool Turned = true;

    const T* x;
    PixelClass pixels;
    int rows, outputs, kernel, stride;

    struct Row { const T* start; bool inside; };
    struct Column { int output, tap, x; };

    __device__ __forceinline__ Row row(int n) const { return {x + n, n < rows}; }

    __device__ __forceinline__ Column column(int k) const
    {
        Tap tap = Tap::of(k, outputs, max(pixels.taps_x, 1));
        return {tap.channel, (pixels.tap_y + tap.y * stride) * kernel + pixels.tap_x + tap.x * stride, tap.x};
    }

    __device__ __forceinline__ void advance(Column& c, int by) const
    {
        for (c.output += by; c.output >= outputs; c.output -= outputs)
        {
            c.tap += stride;
            if (++c.x == pixels.taps_x)
            {
                c.x = 0;
                c.tap += stride * (kernel - pixels.taps_x);
            }
        }
    }

    __device__ __forceinline__ const T* at(Row r, Column c) const { return r.inside && c.tap < kernel * kernel ? r.start + (u64)(c.output * kernel * kernel + c.tap) * rows : nullptr; }

    __device__ __forceinline__ bool whole() const { return false; }
};

// Where a class's pixels lie among all.
struct PixelPlace
{
    PixelClass pixels;
    int height, width, stride;

    __device__ __forceinline__ int operator()(int m) const
    {
        int count = pixels.height * pixels.width, pixel = m % count;
        return (m / count * height + pixels.first_y + pixel / pixels.width * stride) * width + pixels.first_x + pixel % pixels.width * stride;
    }
};

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

// What sees an input pixel: a row for each, along taps; x are the gradients of the output pixels.
template <typename T> struct SeenInput
{
    typedef T Element;
    static constexpr bool Turned = false;

    const T* x;
    int images, height, width, channels, out_height, out_width, kernel, stride, padding;

    struct Row { const T* image; int y, x; };
    typedef Tap Column;

    __device__ __forceinline__ Row row(int m) const
    {
        int pixels = height * width, image = m / pixels, pixel = m % pixels;
        // A row that is no pixel is seen by none.
        return {x + (u64)image * out_height * out_width * channels, image < images ? pixel / width + padding : -1, pixel % width + padding};
    }

    __device__ __forceinline__ Tap column(int k) const { return Tap::of(k, channels, kernel); }
    __device__ __forceinline__ void advance(Tap& c, int by) const { c.advance(by, channels, kernel); }

    __device__ __forceinline__ const T* at(Row r, Tap c) const
    {
        int y = r.y - c.y, x = r.x - c.x;
        // Strides are 1 or 2.
        if (c.y >= kernel || ((y | x) & (stride - 1)) != 0) return nullptr;
        y >>= stride - 1;
        x >>= stride - 1;
        return (unsigned)y < (unsigned)out_height && (unsigned)x < (unsigned)out_width ? r.image + ((u64)(y * out_width + x) * channels + c.channel) : nullptr;
    }

    __device__ __forceinline__ bool whole() const { return channels % 4 == 0 && aligned(x); }
};

// A convolution's weight [outputs, taps, rows], turned: along the taps and their outputs, as SeenInput.
template <typename T> struct TurnedTapInput
{
    typedef T Element;
    static constexpr bool Turned = true;

    const T* x;
    int rows, outputs, taps;

    struct Row { const T* start; bool inside; };
    struct Column { int output, tap; };

    __device__ __forceinline__ Row row(int n) const { return {x + n, n < rows}; }
    __device__ __forceinline__ Column column(int k) const { return {k % outputs, k / outputs}; }

    __device__ __forceinline__ void advance(Column& c, int by) const
    {
        for (c.output += by; c.output >= outputs; c.output -= outputs) c.tap++;
    }

    __device__ __forceinline__ const T* at(Row r, Column c) const { return r.inside && c.tap < taps ? r.start + (u64)(c.output * taps + c.tap) * rows : nullptr; }

    __device__ __forceinline__ bool whole() const { return false; }
};

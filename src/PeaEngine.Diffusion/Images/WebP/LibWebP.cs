using System.Runtime.InteropServices;

namespace PeaEngine.Diffusion.Images;

/// <summary>The functions of Google's <c>libwebp</c> that are used, where the system has it.</summary>
sealed class LibWebP
{
    static readonly string[] Names =
        ["libwebp.so.7", "libwebp.so.6", "libwebp.so", "libwebp.7.dylib", "libwebp.dylib", "/opt/homebrew/lib/libwebp.dylib", "libwebp.dll", "webp.dll"];

    static readonly Lazy<LibWebP?> Found = new(Load);

    readonly WebPGetInfo getInfo;
    readonly WebPDecodeRGBInto decode;

    LibWebP(nint library)
    {
        getInfo = Marshal.GetDelegateForFunctionPointer<WebPGetInfo>(NativeLibrary.GetExport(library, nameof(WebPGetInfo)));
        decode = Marshal.GetDelegateForFunctionPointer<WebPDecodeRGBInto>(NativeLibrary.GetExport(library, nameof(WebPDecodeRGBInto)));
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    delegate int WebPGetInfo(ref byte data, nuint dataSize, out int width, out int height);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    delegate nint WebPDecodeRGBInto(ref byte data, nuint dataSize, ref byte output, nuint outputSize, int outputStride);

    /// <summary>The library, or null.</summary>
    public static LibWebP? Find() => Found.Value;

    /// <summary>A file's width and height, or null if it is damaged.</summary>
    public (int Width, int Height)? Size(ReadOnlySpan<byte> file) =>
        getInfo(ref MemoryMarshal.GetReference(file), (nuint)file.Length, out var width, out var height) != 0 ? (width, height) : null;

    /// <summary>Decodes into <paramref name="pixels"/>, [height, width, 3], without alpha; false if the file is damaged.</summary>
    public bool Decode(ReadOnlySpan<byte> file, Span<byte> pixels, int width) =>
        decode(ref MemoryMarshal.GetReference(file), (nuint)file.Length, ref MemoryMarshal.GetReference(pixels), (nuint)pixels.Length, 3 * width) != 0;

    static LibWebP? Load()
    {
        foreach (var name in Names)
            if (NativeLibrary.TryLoad(name, out var library)) return new(library);
        return null;
    }
}

using System.Runtime.InteropServices;

namespace PeaEngine.Cuda.Sys;

/// <summary>Texts as C wants them: an array of pointers to null-terminated UTF-8.</summary>
unsafe ref struct Utf8Array : IDisposable
{
    readonly int count;

    /// <summary>Copies the texts.</summary>
    public Utf8Array(ReadOnlySpan<string> texts)
    {
        count = texts.Length;
        Pointers = (byte**)NativeMemory.AllocZeroed((nuint)Math.Max(count, 1), (nuint)sizeof(byte*));
        for (var i = 0; i < count; i++) Pointers[i] = (byte*)Marshal.StringToCoTaskMemUTF8(texts[i]);
    }

    /// <summary>A pointer each.</summary>
    public byte** Pointers { get; }

    /// <summary>Frees them.</summary>
    public void Dispose()
    {
        for (var i = 0; i < count; i++) Marshal.FreeCoTaskMem((nint)Pointers[i]);
        NativeMemory.Free(Pointers);
    }
}

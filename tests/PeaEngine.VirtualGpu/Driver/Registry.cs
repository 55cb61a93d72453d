using System.Collections.Concurrent;

namespace PeaEngine.VirtualGpu.Driver;

/// <summary>A handle of the wrong kind, of something destroyed or of nothing.</summary>
sealed class HandleException(string message) : Exception(message);

/// <summary>The objects behind the handles that the driver gives: numbers that are never used twice.</summary>
static class Registry
{
    static readonly ConcurrentDictionary<nint, object> Objects = [];
    static long last = 0x1000;

    public static nint Add(object value)
    {
        var handle = (nint)Interlocked.Add(ref last, 16);
        Objects[handle] = value;
        return handle;
    }

    public static T Get<T>(nint handle) where T : class =>
        Objects.TryGetValue(handle, out var value) && value is T found ? found : throw new HandleException($"0x{handle:x} is no handle of a {typeof(T).Name}");

    public static T Remove<T>(nint handle) where T : class
    {
        var found = Get<T>(handle);
        Objects.TryRemove(handle, out _);
        return found;
    }
}

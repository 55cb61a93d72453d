namespace PeaEngine.Cuda;

/// <summary>A point in a stream's work.</summary>
public sealed unsafe class CudaEvent : CudaResource
{
    const uint DisableTiming = 2;

    /// <summary>An event that no stream has come to yet.</summary>
    /// <param name="context">Whose it is.</param>
    /// <param name="timed">Whether <see cref="ElapsedMs"/> will be asked; it makes waiting slower.</param>
    public CudaEvent(CudaContext context, bool timed = false) : base(context)
    {
        nint handle;
        context.Bind();
        context.Check(context.Driver.cuEventCreate(&handle, timed ? 0 : DisableTiming), nameof(context.Driver.cuEventCreate));
        Handle = handle;
        Own();
    }

    internal nint Handle { get; }

    /// <summary>Waits until the stream has come to where it was recorded last; it returns at once if it never was.</summary>
    public void Synchronize()
    {
        Context.Bind();
        Context.Check(Context.Driver.cuEventSynchronize(Handle), nameof(Context.Driver.cuEventSynchronize));
    }

    /// <summary>Milliseconds from another event to this one, both timed and both past.</summary>
    public float ElapsedMs(CudaEvent since)
    {
        float ms;
        Context.Bind();
        Context.Check(Context.Driver.cuEventElapsedTime(&ms, since.Handle, Handle), nameof(Context.Driver.cuEventElapsedTime));
        return ms;
    }

    /// <summary>Waits where nothing is to be done about a failure.</summary>
    internal void Settle()
    {
        Context.BindToDestroy();
        Context.Driver.cuEventSynchronize(Handle);
    }

    private protected override void Destroy() => Context.Driver.cuEventDestroy(Handle);
}

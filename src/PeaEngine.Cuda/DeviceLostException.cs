namespace PeaEngine.Cuda;

/// <summary>
/// A kernel or the device failed in a way that its context does not survive: every later call fails with this at once, until the process opens
/// the device anew.
/// </summary>
public sealed class DeviceLostException(CudaException cause)
    : CudaException($"device lost: {cause.Message} (work that was given before may be the cause; the device must be opened again)")
{
    /// <summary>The call that was first told.</summary>
    public CudaException Cause { get; } = cause;
}

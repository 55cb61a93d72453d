namespace PeaEngine.Backends;

/// <summary>Host memory.</summary>
sealed unsafe class CpuStorage(long bytes) : Storage((nint)HostMemory.Allocate(bytes), bytes)
{
    public override bool IsHost => true;

    protected override void Free() => HostMemory.Free((void*)Address);
}

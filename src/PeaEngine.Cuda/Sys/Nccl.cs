namespace PeaEngine.Cuda.Sys;

/// <summary>
/// The functions of NCCL that the engine calls, 2.13 or newer: names and signatures of <c>nccl.h</c>. The resolver gives an export's address or throws.
/// </summary>
sealed unsafe class Nccl(Func<string, nint> resolve)
{
    /// <summary>version: 10000·major + 100·minor + patch</summary>
    public readonly delegate* unmanaged<int*, ncclResult> ncclGetVersion = (delegate* unmanaged<int*, ncclResult>)resolve(nameof(ncclGetVersion));

    /// <summary>result; never null, never freed</summary>
    public readonly delegate* unmanaged<ncclResult, byte*> ncclGetErrorString = (delegate* unmanaged<ncclResult, byte*>)resolve(nameof(ncclGetErrorString));

    /// <summary>communicator, which may be 0; the text of the last error, which may be empty</summary>
    public readonly delegate* unmanaged<ncclComm, byte*> ncclGetLastError = (delegate* unmanaged<ncclComm, byte*>)resolve(nameof(ncclGetLastError));

    /// <summary>id; one process asks for it and tells the others</summary>
    public readonly delegate* unmanaged<ncclUniqueId*, ncclResult> ncclGetUniqueId = (delegate* unmanaged<ncclUniqueId*, ncclResult>)resolve(nameof(ncclGetUniqueId));

    /// <summary>communicator, processes, id, rank; of the current context. It returns when all have called it.</summary>
    public readonly delegate* unmanaged<ncclComm*, int, ncclUniqueId, int, ncclResult> ncclCommInitRank =
        (delegate* unmanaged<ncclComm*, int, ncclUniqueId, int, ncclResult>)resolve(nameof(ncclCommInitRank));

    /// <summary>send, receive (may be send), elements, type, operation, communicator, stream</summary>
    public readonly delegate* unmanaged<CUdeviceptr, CUdeviceptr, nuint, ncclDataType, ncclRedOp, ncclComm, CUstream, ncclResult> ncclAllReduce =
        (delegate* unmanaged<CUdeviceptr, CUdeviceptr, nuint, ncclDataType, ncclRedOp, ncclComm, CUstream, ncclResult>)resolve(nameof(ncclAllReduce));

    /// <summary>communicator</summary>
    public readonly delegate* unmanaged<ncclComm, ncclResult> ncclCommDestroy = (delegate* unmanaged<ncclComm, ncclResult>)resolve(nameof(ncclCommDestroy));
}

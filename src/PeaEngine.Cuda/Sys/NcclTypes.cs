namespace PeaEngine.Cuda.Sys;

/// <summary>What a call to NCCL ended with.</summary>
enum ncclResult
{
    ncclSuccess = 0,
    ncclUnhandledCudaError = 1,
    ncclSystemError = 2,
    ncclInternalError = 3,
    ncclInvalidArgument = 4,
    ncclInvalidUsage = 5,
    ncclRemoteError = 6,
    ncclInProgress = 7,
}

/// <summary>Types of elements.</summary>
enum ncclDataType
{
    ncclFloat32 = 7,
}

/// <summary>What is done with them.</summary>
enum ncclRedOp
{
    ncclSum = 0,
}

/// <summary>By which the processes of a communicator find each other.</summary>
unsafe struct ncclUniqueId
{
    /// <summary><c>NCCL_UNIQUE_ID_BYTES</c></summary>
    public const int Bytes = 128;

    public fixed byte Internal[Bytes];
}

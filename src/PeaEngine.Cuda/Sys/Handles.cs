// NVIDIA's names of what is only passed on: an address of the device, an ordinal, and pointers whose target only the driver knows.
global using cublasLtHandle = nint;
global using cublasLtMatmulDesc = nint;
global using cublasLtMatmulPreference = nint;
global using cublasLtMatrixLayout = nint;
global using CUcontext = nint;
global using CUdevice = int;
global using CUdeviceptr = nint;
global using CUevent = nint;
global using CUfunction = nint;
global using CUgraph = nint;
global using CUgraphExec = nint;
global using CUgraphNode = nint;
global using CUmemoryPool = nint;
global using CUmodule = nint;
global using CUstream = nint;
global using ncclComm = nint;
global using nvrtcProgram = nint;

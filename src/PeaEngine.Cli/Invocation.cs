using System.CommandLine;
using PeaEngine.Backends;

namespace PeaEngine.Cli;

/// <summary>What a command is run with.</summary>
sealed class Invocation(CudaDevices gpus) : InvocationConfiguration
{
    /// <summary>Where GPUs are opened.</summary>
    public CudaDevices Gpus => gpus;
}

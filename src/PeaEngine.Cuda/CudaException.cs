namespace PeaEngine.Cuda;

/// <summary>A call to CUDA that failed, or CUDA that is not there.</summary>
public class CudaException(string message) : PeaException(message);

namespace PeaEngine.Train.Processes;

/// <summary>A cancellation that all processes know of: each of them ends at the same place.</summary>
public sealed class AgreedCancellationException() : OperationCanceledException("cancelled");

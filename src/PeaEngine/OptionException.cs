namespace PeaEngine;

/// <summary>An option that was asked for is out of range, or does not go with another or with the model.</summary>
public sealed class OptionException(string message) : PeaException(message);

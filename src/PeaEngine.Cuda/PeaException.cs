namespace PeaEngine;

/// <summary>
/// An error whose message is meant for the person at the keyboard: it names the thing, its value and what was expected.
/// </summary>
public class PeaException : Exception
{
    /// <summary>An error with a message of one line.</summary>
    public PeaException(string message) : base(message) { }

    /// <summary>An error with a message of one line and the failure that caused it.</summary>
    public PeaException(string message, Exception inner) : base(message, inner) { }
}

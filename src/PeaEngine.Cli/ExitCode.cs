namespace PeaEngine.Cli;

/// <summary>What the process tells its caller.</summary>
static class ExitCode
{
    public const int Done = 0, Failed = 1, WrongUsage = 2, Cancelled = 130;
}

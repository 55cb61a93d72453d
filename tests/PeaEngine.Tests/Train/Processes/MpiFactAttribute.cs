namespace PeaEngine.Tests.Train.Processes;

/// <summary>A test of several processes: skipped where there is no launcher for them.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class MpiFactAttribute : FactAttribute
{
    public const string Missing = "there is no mpirun; apt-get install openmpi-bin";

    public MpiFactAttribute() => Skip = Mpirun.IsThere ? null : Missing;
}

/// <summary>As <see cref="MpiFactAttribute"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class MpiTheoryAttribute : TheoryAttribute
{
    public MpiTheoryAttribute() => Skip = Mpirun.IsThere ? null : MpiFactAttribute.Missing;
}

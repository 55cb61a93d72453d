using PeaEngine.Backends;

namespace PeaEngine.Tests.Ops;

/// <summary>The instruction sets of the processor that the tests run on, as theory data.</summary>
sealed class SupportedIsas : TheoryData<CpuIsa>
{
    public SupportedIsas()
    {
        foreach (var isa in All) Add(isa);
    }

    public static IEnumerable<CpuIsa> All => Enum.GetValues<CpuIsa>().Where(isa => isa.IsSupported());
}

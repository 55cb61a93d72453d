namespace PeaEngine.Tests.Ops;

public class ToChannelsFirstTests : OpTests<ToChannelsFirstTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases => Permutation.Cases(toLast: false);
}

namespace PeaEngine.Tests.Ops;

public class ToChannelsLastTests : OpTests<ToChannelsLastTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases => Permutation.Cases(toLast: true);
}

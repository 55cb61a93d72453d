using PeaEngine.Train.Data;

namespace PeaEngine.Tests.Train.Data;

public sealed class ShardListTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("https://h/train-{0008..0011}.tar", "https://h/train-0008.tar https://h/train-0009.tar https://h/train-0010.tar https://h/train-0011.tar")]
    [InlineData("http://h/{9..11}.tar?a=*", "http://h/9.tar?a=* http://h/10.tar?a=* http://h/11.tar?a=*")]
    [InlineData("http://h/{a,b}/{2..1}.tar", "http://h/a/2.tar http://h/a/1.tar http://h/b/2.tar http://h/b/1.tar")]
    [InlineData("http://h/x.tar", "http://h/x.tar")]
    public void ExpandsBraces(string pattern, string expected) => Assert.Equal(expected.Split(' '), ShardList.Expand([pattern]));

    [Fact]
    public void ExpandsGlobsByName()
    {
        foreach (var name in new[] { "x/train-10.tar", "x/train-2.tar", "x/train-2.txt", "y/train-1.tar", "y/other.tar" }) folder.Write(name, "");
        Assert.Equal([At("x", "train-10.tar"), At("x", "train-2.tar"), At("y", "train-1.tar")], ShardList.Expand([folder.Path + "/*/train-*.tar"]));
        Assert.Equal([At("x", "train-2.tar"), At("y", "train-1.tar")], ShardList.Expand([folder.Path + "/?/train-?.tar"]));
        Assert.Equal([At("y", "other.tar"), At("x", "train-2.tar")], ShardList.Expand([At("y", "other.tar"), folder.Path + "/{x,x}/train-2.tar"]).Distinct());
    }

    [Theory]
    [InlineData("http://h/{1..2", "braces")]
    [InlineData("http://h/1..2}", "braces")]
    [InlineData("http://h/{a{1..2},b}", "braces")]
    [InlineData("http://h/{a}", "braces")]
    [InlineData("http://h/{1..2..3}", "braces")]
    [InlineData("http://h/{0..9999999}", "more than 1000000")]
    [InlineData("http://h/{0..9999}{0..9999}", "more than 1000000")]
    [InlineData("none-*.tar", "no file has such a name")]
    [InlineData("none/none-*.tar", "no file has such a name")]
    [InlineData("none.tar", "no file none.tar")]
    public void RefusesWhatNamesNothing(string pattern, string message) =>
        Assert.Contains(message, Assert.Throws<OptionException>(() => ShardList.Expand([pattern])).Message, StringComparison.Ordinal);

    [Fact]
    public void WantsAShard() => Assert.Throws<OptionException>(() => ShardList.Expand([]));

    string At(params string[] parts) => folder.At(parts);
}

using System.Text;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

public class JsonConfigTests
{
    static JsonConfig Parse(string json) => JsonConfig.Parse(Encoding.UTF8.GetBytes(json), "config.json");

    static readonly JsonConfig Config = Parse("""
        {"int": 2, "float": 0.18215, "bool": true, "text": "a\u00e9 NaN", "null": null, "list": [1, 2, 3], "bools": [true, false],
         "texts": ["x", "y"], "floats": [1, 2.5], "object": {"inner": 7, "map": {"k": "v"}}, "large": 5000000000,
         "none": NaN, "low": -Infinity, "high": Infinity}
        """);

    [Fact]
    public void GivesValues()
    {
        Assert.Equal(2, Config.Int("int", 9));
        Assert.Equal(0.18215, Config.Float("float"));
        Assert.Equal(2.0, Config.Float("int"));
        Assert.True(Config.Bool("bool"));
        Assert.Equal("aé NaN", Config.String("text"));
        Assert.Equal([1, 2, 3], Config.Ints("list"));
        Assert.Equal([1.0, 2.5], Config.Floats("floats"));
        Assert.Equal(["x", "y"], Config.Strings("texts"));
        Assert.Equal(7, Config.Object("object")!.Int("inner"));
        Assert.Equal("v", Config.Object("object")!.StringMap("map")["k"]);
        Assert.Equal(["inner", "map"], Config.Object("object")!.Keys);
    }

    [Fact]
    public void GivesDefaultsForMissingAndNull()
    {
        foreach (var key in new[] { "absent", "null" })
        {
            Assert.Equal(9, Config.Int(key, 9));
            Assert.Equal(0.5, Config.Float(key, 0.5));
            Assert.False(Config.Bool(key, false));
            Assert.Equal("x", Config.String(key, "x"));
            Assert.Equal([1], Config.Ints(key, [1]));
            Assert.Null(Config.OptionalInt(key));
            Assert.Null(Config.OptionalFloat(key));
            Assert.Null(Config.OptionalString(key));
            Assert.Null(Config.Object(key));
            Assert.True(Config.IsNull(key));
            Assert.Throws<PeaException>(() => Config.Int(key));
        }
        Assert.True(Config.Has("null"));
        Assert.False(Config.Has("absent"));
    }

    [Fact]
    public void RepeatsOneValueForEveryBlock()
    {
        Assert.Equal([2, 2, 2], Config.IntList("int", 3));
        Assert.Equal([1, 2, 3], Config.IntList("list", 3));
        Assert.Equal([8, 8], Config.IntList("absent", 2, 8));
        Assert.Equal([true, true], Config.BoolList("bool", 2));
        Assert.Equal([true, false], Config.BoolList("bools", 2));
        Assert.Equal("config.json: list is a list of 3, expected a whole number, or a list of 4", Assert.Throws<PeaException>(() => Config.IntList("list", 4)).Message);
    }

    [Fact]
    public void ReadsPythonsNumbersThatAreNotFinite()
    {
        Assert.Equal(double.NaN, Config.Float("none"));
        Assert.Equal(double.NegativeInfinity, Config.Float("low"));
        Assert.Equal(double.PositiveInfinity, Config.OptionalFloat("high"));
    }

    [Fact]
    public void ErrorsNameFileKeyValueAndWhatWasExpected()
    {
        Assert.Equal("config.json: text is '\"a\\u00e9 NaN\"', expected a whole number of 32 bits", Assert.Throws<PeaException>(() => Config.Int("text", 1)).Message);
        Assert.Equal("config.json: float is '0.18215', expected a whole number of 32 bits", Assert.Throws<PeaException>(() => Config.Int("float")).Message);
        Assert.Equal("config.json: large is '5000000000', expected a whole number of 32 bits", Assert.Throws<PeaException>(() => Config.Int("large")).Message);
        Assert.Equal("config.json: int is '2', expected true or false", Assert.Throws<PeaException>(() => Config.Bool("int")).Message);
        Assert.Equal("config.json: bools[0] is 'true', expected a whole number of 32 bits", Assert.Throws<PeaException>(() => Config.Ints("bools")).Message);
        Assert.Equal("config.json: object.gone is missing, expected a whole number", Assert.Throws<PeaException>(() => Config.Object("object")!.Int("gone")).Message);
        Assert.Equal("config.json: int is '2', expected an object", Assert.Throws<PeaException>(() => Config.Object("int")).Message);
        Assert.Equal("config.json: int is '2', expected less", Config.Wrong("int", "less").Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[1]")]
    [InlineData("{")]
    [InlineData("{\"a\": \"")]
    [InlineData("{\"a\": NaNa}")]
    [InlineData("{\"a\": 1} 2")]
    [InlineData("{\"a\": +Infinity}")]
    [InlineData("{\"a\": \"\\ud800\"}")]
    [InlineData("{\"\\udc00\": 1}")]
    public void RefusesWhatIsNoObject(string json) => Assert.Throws<PeaException>(() => Parse(json));

    [Fact]
    public void RefusesDeepNesting() => Assert.Throws<PeaException>(() => Parse($"{{\"a\": {new string('[', 100_000)}"));

    [Fact]
    public void SaysThatAFileIsMissing() =>
        Assert.StartsWith("/no/such/config.json: no such file", Assert.Throws<PeaException>(() => JsonConfig.Load("/no/such/config.json")).Message, StringComparison.Ordinal);
}

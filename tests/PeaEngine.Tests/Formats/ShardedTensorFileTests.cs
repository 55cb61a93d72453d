using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

public sealed class ShardedTensorFileTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public ShardedTensorFileTests()
    {
        SafetensorsWriter.Write(folder.At("model-00001-of-00002.safetensors"), [TensorContent.FromSingles("a", [2], new[] { 1f, 2f }), TensorContent.FromSingles("b", [1], new[] { 3f })]);
        SafetensorsWriter.Write(folder.At("model-00002-of-00002.safetensors"), [TensorContent.FromSingles("c", [1, 1], new[] { 4f })]);
    }

    public void Dispose() => folder.Dispose();

    string Index(string map) => folder.Write("model.safetensors.index.json", $$"""{"metadata": {"total_size": 16}, "weight_map": {{map}} }""");

    [Fact]
    public void IsOneCheckpoint()
    {
        var path = Index("""{"a": "model-00001-of-00002.safetensors", "c": "model-00002-of-00002.safetensors", "b": "model-00001-of-00002.safetensors"}""");

        using var checkpoint = ShardedTensorFile.Open(path);
        using var tensors = new GoldenTensors(checkpoint);

        Assert.Equal(["a", "b", "c"], checkpoint.Tensors.Keys.Order());
        Assert.Equal(2, checkpoint.Shards.Count);
        Assert.Equal([1f, 2f], tensors["a"].Values);
        Assert.Equal([3f], tensors["b"].Values);
        Assert.Equal([4f], tensors["c"].Values);
        Assert.Equal([1, 1], tensors["c"].Shape);
        Assert.Throws<PeaException>(() => checkpoint.Read("d", 0, new byte[1]));
    }

    [Theory]
    [InlineData("""{"a": "model-00003-of-00002.safetensors"}""", "'model-00003-of-00002.safetensors' is missing")]
    [InlineData("""{"a": "model-00002-of-00002.safetensors"}""", "tensor 'a' is not in model-00002-of-00002.safetensors")]
    [InlineData("""{"a": "../model-00001-of-00002.safetensors"}""", "expected a name inside the index's folder")]
    [InlineData("""{"a": "x/../../model.safetensors"}""", "expected a name inside the index's folder")]
    [InlineData("""{"a": "/etc/passwd"}""", "expected a name inside the index's folder")]
    [InlineData("""{"a": "..\\model.safetensors"}""", "expected a name inside the index's folder")]
    [InlineData("""{"a": ""}""", "expected a name inside the index's folder")]
    [InlineData("""{"a": "\u0000"}""", "expected a name inside the index's folder")]
    [InlineData("""{"a": 1}""", "weight_map.a is '1', expected a string")]
    [InlineData("[]", "weight_map is a list of 0, expected an object")]
    [InlineData("null", "weight_map is missing")]
    [InlineData("""{"a": "model.safetensors.index.json"}""", "model.safetensors.index.json: the content is unknown")]
    public void RefusesAnIndexThatDoesNotHold(string map, string reason)
    {
        var exception = Assert.ThrowsAny<PeaException>(() => ShardedTensorFile.Open(Index(map)));

        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
    }
}

namespace PeaEngine.Formats;

/// <summary>
/// A checkpoint of several files that an index (<c>*.safetensors.index.json</c>, <c>*.bin.index.json</c>) makes one: <c>weight_map</c> says
/// which file has a key.
/// </summary>
public sealed class ShardedTensorFile : ITensorSource
{
    readonly Dictionary<string, ITensorSource> shards = [];
    readonly Dictionary<string, ITensorSource> owners = [];
    readonly Dictionary<string, TensorInfo> tensors = [];

    ShardedTensorFile(string path) => Path = path;

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => tensors;

    /// <summary>The files of the checkpoint, in the index's order.</summary>
    public IReadOnlyCollection<ITensorSource> Shards => shards.Values;

    /// <summary>Opens an index and every file that it names, once.</summary>
    /// <exception cref="PeaException">
    /// The index is no JSON of the expected form or names a file outside its folder; a file is missing or broken, or
    /// lacks a key that the index says it has.
    /// </exception>
    public static ShardedTensorFile Open(string path)
    {
        var checkpoint = new ShardedTensorFile(path);
        try
        {
            checkpoint.Load();
            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(string name, long byteOffset, Span<byte> destination)
    {
        if (!owners.TryGetValue(name, out var file)) throw new PeaException($"{Path}: no tensor {Quoted.Of(name)}");
        file.Read(name, byteOffset, destination);
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        foreach (var file in shards.Values) file.Dispose();
    }

    void Load()
    {
        foreach (var (key, shard) in JsonConfig.Load(Path).StringMap("weight_map"))
        {
            if (!shards.TryGetValue(shard, out var file)) shards.Add(shard, file = TensorFile.OpenShard(Locate(shard)));
            if (!file.Tensors.TryGetValue(key, out var info))
                throw new PeaException($"{Path}: tensor {Quoted.Of(key)} is not in {shard}, expected it there");
            owners.Add(key, file);
            tensors.Add(key, info);
        }
    }

    string Locate(string shard)
    {
        var isInside = shard.Length > 0 && !System.IO.Path.IsPathRooted(shard) && !shard.Contains(':') && !shard.Contains('\0')
            && !shard.Split('/', '\\').Contains("..");
        if (!isInside) throw new PeaException($"{Path}: the file {Quoted.Of(shard)}, expected a name inside the index's folder");
        var path = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path) ?? "", shard);
        if (!File.Exists(path)) throw new PeaException($"{Path}: the file {Quoted.Of(shard)} is missing from the folder");
        return path;
    }
}

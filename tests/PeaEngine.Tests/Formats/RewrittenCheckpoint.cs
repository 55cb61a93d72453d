using System.Text.Json;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

/// <summary>Copies of a model folder whose weights are stored in another way: the same model to whoever opens it.</summary>
static class RewrittenCheckpoint
{
    /// <summary>
    /// Copies <paramref name="source"/>, a pipeline or component folder, with every <c>*.safetensors</c> rewritten: into
    /// <paramref name="shards"/> files with an index, under the name of a <paramref name="variant"/>, or in another element type.
    /// </summary>
    public static void Copy(string source, string destination, int shards = 1, string? variant = null, DType? dtype = null)
    {
        foreach (var path in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(destination, Path.GetRelativePath(source, path));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            if (Path.GetExtension(path) == ".safetensors") Rewrite(path, target, shards, variant, dtype);
            else File.Copy(path, target);
        }
    }

    /// <summary>Renames the tensors of a safetensors file.</summary>
    public static void Rename(string path, Func<string, string> rename)
    {
        List<TensorContent> tensors = [];
        using (var file = SafetensorsFile.Open(path))
            foreach (var info in file.Tensors.Values)
            {
                var bytes = new byte[info.Bytes];
                file.Read(info.Name, 0, bytes);
                tensors.Add(TensorContent.FromBytes(info with { Name = rename(info.Name) }, bytes));
            }
        SafetensorsWriter.Write(path, tensors);
    }

    static void Rewrite(string source, string target, int shards, string? variant, DType? dtype)
    {
        using var file = SafetensorsFile.Open(source);
        var tensors = file.Tensors.Values.OrderBy(info => info.Name, StringComparer.Ordinal).Select(info => TensorContent.FromSource(file, info.Name, dtype)).ToList();
        var stem = target[..^".safetensors".Length] + (variant == null ? "" : $".{variant}");
        if (shards == 1)
        {
            SafetensorsWriter.Write($"{stem}.safetensors", tensors, file.Metadata);
            return;
        }
        var map = new Dictionary<string, string>();
        foreach (var (i, part) in tensors.Chunk((tensors.Count + shards - 1) / shards).Index())
        {
            var name = $"{stem}-{i + 1:d5}-of-{shards:d5}.safetensors";
            SafetensorsWriter.Write(name, part, file.Metadata);
            foreach (var tensor in part) map.Add(tensor.Info.Name, Path.GetFileName(name));
        }
        WriteIndex($"{stem}.safetensors.index.json", map);
    }

    static void WriteIndex(string path, Dictionary<string, string> map)
    {
        using var stream = File.Create(path);
        using var json = new Utf8JsonWriter(stream);
        json.WriteStartObject();
        json.WriteStartObject("weight_map");
        foreach (var (key, file) in map) json.WriteString(key, file);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}

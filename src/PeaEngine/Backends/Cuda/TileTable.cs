using System.Text.Json;
using PeaEngine.Cuda;
using PeaEngine.Formats;

namespace PeaEngine.Backends;

/// <summary>
/// The tiles that were measured to be best on a device, one file a device in the folder of compiled kernels. An entry holds for the very program that was measured; what is
/// not in the table, or no longer holds, is left to a rule. The results of products are the same bits with any tile.
/// </summary>
/// <param name="device">The device's name.</param>
/// <param name="multiprocessors">How many it has.</param>
/// <param name="target">What kernels are compiled for.</param>
/// <param name="compiler">The version of NVRTC.</param>
sealed class TileTable(string device, int multiprocessors, KernelTarget target, Version compiler)
{
    const string Beginning = "tiles-", Ending = ".json";

    readonly Dictionary<TileKey, string> tiles = [];

    /// <summary>An empty table of an open device.</summary>
    public TileTable(CudaContext context) : this(context.Device.Name, context.Device.Multiprocessors, context.Target, context.Libraries.Compiler.Version) { }

    /// <summary>How many products it has a tile for.</summary>
    public int Count => tiles.Count;

    /// <summary>Why a file, or a part of one, is not used, or null.</summary>
    public string? Problem { get; private set; }

    /// <summary>The name of its file: whatever characters the device's name has.</summary>
    public string FileName => $"{Beginning}{string.Concat(device.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-'))}-{multiprocessors}-{target}{Ending}";

    /// <summary>The tile for a product, if there is one and the op still has it.</summary>
    /// <param name="key">The product.</param>
    /// <param name="choice">What the op has.</param>
    public ProductTile? Find(in TileKey key, ReadOnlySpan<ProductTile> choice)
    {
        if (tiles.TryGetValue(key, out var name))
            foreach (var tile in choice)
                if (tile.Name == name) return tile;
        return null;
    }

    /// <summary>Enters a tile.</summary>
    public void Set(in TileKey key, string tile) => tiles[key] = tile;

    /// <summary>Adds what the device's file has, if there is one. What is wrong with it becomes <see cref="Problem"/>.</summary>
    public void Load(string folder)
    {
        var file = Path.Combine(folder, FileName);
        if (!File.Exists(file)) return;
        try
        {
            Read(JsonConfig.Load(file));
        }
        catch (PeaException e)
        {
            tiles.Clear();
            Problem = e.Message;
        }
    }

    /// <summary>Writes the device's file.</summary>
    /// <returns>Its path.</returns>
    /// <exception cref="PeaException">It cannot be written.</exception>
    public string Save(string folder)
    {
        try
        {
            KernelCache.Create(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PeaException($"{folder}: cannot be made: {e.Message.ReplaceLineEndings(" ")}", e);
        }
        var file = Path.Combine(folder, FileName);
        AtomicFile.Write(file, stream =>
        {
            using var writer = new Utf8JsonWriter(stream, new() { Indented = true });
            writer.WriteStartObject();
            writer.WriteString("device", device);
            writer.WriteNumber("multiprocessors", multiprocessors);
            writer.WriteNumber("architecture", target.Architecture);
            writer.WriteBoolean("ptx", target.IsPtx);
            writer.WriteStartObject("programs");
            foreach (var op in tiles.Keys.Select(key => key.Op).Distinct().Order(StringComparer.Ordinal)) writer.WriteString(op, Program(op));
            writer.WriteEndObject();
            writer.WriteStartObject("tiles");
            foreach (var (key, tile) in tiles.Select(entry => (Key: entry.Key.ToString(), entry.Value)).OrderBy(entry => entry.Key, StringComparer.Ordinal)) writer.WriteString(key, tile);
            writer.WriteEndObject();
            writer.WriteEndObject();
        });
        return file;
    }

    /// <summary>What the tables of a folder are, whether their devices are here or not: a line for each.</summary>
    /// <param name="folder">The folder of compiled kernels.</param>
    /// <param name="compiler">The version of this machine's NVRTC.</param>
    public static IReadOnlyList<string> Describe(string folder, Version compiler)
    {
        var lines = new List<string>();
        if (!Directory.Exists(folder)) return lines;
        foreach (var file in Directory.EnumerateFiles(folder, $"{Beginning}*{Ending}").Order(StringComparer.Ordinal))
        {
            try
            {
                var config = JsonConfig.Load(file);
                var table = new TileTable(config.String("device"), config.Int("multiprocessors"), new(config.Int("architecture"), config.Bool("ptx")), compiler);
                if (table.FileName != Path.GetFileName(file)) throw new PeaException($"{file}: is of {table.FileName}");
                table.Read(config);
                lines.Add($"{config.String("device")}: {table.Count} products{(table.Problem is { } problem ? $"; {problem}" : "")}, {file}");
            }
            catch (PeaException e)
            {
                lines.Add($"ignored: {e.Message}");
            }
        }
        return lines;
    }

    void Read(JsonConfig config)
    {
        if (config.String("device") != device || config.Int("multiprocessors") != multiprocessors || config.Int("architecture") != target.Architecture || config.Bool("ptx") != target.IsPtx)
            throw new PeaException($"{config.Path}: tiles of {config.String("device")}, sm_{config.Int("architecture")}, expected {device}, {target}");
        var programs = config.StringMap("programs");
        var others = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (text, tile) in config.StringMap("tiles"))
        {
            var key = TileKey.Parse(text) ?? throw new PeaException($"{config.Path}: tile for {Quoted.Of(text)}, expected OP TYPE ROWSxCOLUMNSxDEPTH");
            if (programs.TryGetValue(key.Op, out var program) && program == Program(key.Op)) tiles[key] = tile;
            else others.Add(key.Op);
        }
        if (others.Count > 0) Problem = $"measured with other kernels or another compiler: {string.Join(", ", others)}";
    }

    /// <summary>The identity of an op's compiled program, or nothing where there is no such op.</summary>
    string Program(string op) => KernelSources.Names.Contains(op) ? Convert.ToHexStringLower(KernelCache.Key(KernelSources.Get(op), target, compiler)) : "";
}

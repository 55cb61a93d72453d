using PeaEngine.Backends;
using PeaEngine.VirtualGpu.Driver;

namespace PeaEngine.Tests.Cuda;

/// <summary>Tables of measured tiles: what is read back, and what becomes of a file that is damaged or of something else.</summary>
public sealed class CudaTileTableTests : IDisposable
{
    static readonly TileKey Key = new("conv2d", DType.F16, 4096, 320, 2880), Other = new("geglu", DType.BF16, 64, 256, 64);

    static readonly ProductTile[] Choice = [ProductTile.Widest, ProductTile.Wide, ProductTile.Small];

    static readonly Version Compiler = new(11, 8);

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    static TileTable Empty(string device = "A Device (80 GB)", int multiprocessors = 108, int architecture = 80, Version? compiler = null) => new(device, multiprocessors, new(architecture), compiler ?? Compiler);

    TileTable Load(TileTable table)
    {
        table.Load(folder.Path);
        return table;
    }

    string Write()
    {
        var table = Empty();
        table.Set(Key, ProductTile.Wide.Name);
        table.Set(Other, "of another time");
        return table.Save(folder.Path);
    }

    [Fact]
    public void WhatWasWrittenIsReadAndUnknownTilesAreIgnored()
    {
        Assert.Equal("tiles-A-Device--80-GB--108-sm_80.json", Path.GetFileName(Write()));
        var table = Load(Empty());
        Assert.Equal((2, null), (table.Count, table.Problem));
        Assert.Equal(ProductTile.Wide, table.Find(Key, Choice));
        Assert.Null(table.Find(Other, Choice));
        Assert.Null(table.Find(Key, [ProductTile.Small]));
        foreach (var other in new[] { Key with { Op = "linear" }, Key with { Type = DType.BF16 }, Key with { Rows = 4095 }, Key with { Columns = 321 }, Key with { Depth = 64 } }) Assert.Null(table.Find(other, Choice));
        Assert.Single(folder.Files());
    }

    [Fact]
    public void OtherDevicesHaveOtherFiles()
    {
        Write();
        foreach (var table in new[] { Empty("Another"), Empty(multiprocessors: 114), Empty(architecture: 90) }) Assert.Equal((0, null), (Load(table).Count, table.Problem));
    }

    [Fact]
    public void WhatWasMeasuredWithOtherKernelsIsIgnored()
    {
        var file = Write();
        var table = Load(Empty(compiler: new(12, 8)));
        Assert.Equal((0, "measured with other kernels or another compiler: conv2d, geglu"), (table.Count, table.Problem));
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"geglu\": \"", "\"geglu\": \"0", StringComparison.Ordinal));
        table = Load(Empty());
        Assert.Equal((1, "measured with other kernels or another compiler: geglu"), (table.Count, table.Problem));
    }

    [Theory]
    [InlineData("", "not valid JSON")]
    [InlineData("[]", "expected an object")]
    [InlineData("{}", "device")]
    [InlineData("""{"device": "B", "multiprocessors": 108, "architecture": 80, "ptx": false, "programs": {}, "tiles": {}}""", "tiles of B, sm_80, expected A Device (80 GB), sm_80")]
    [InlineData("""{"device": "A Device (80 GB)", "multiprocessors": 108, "architecture": 80, "ptx": false, "programs": {}, "tiles": {"conv2d F16 1x2": "64x64"}}""", "expected OP TYPE ROWSxCOLUMNSxDEPTH")]
    [InlineData("""{"device": "A Device (80 GB)", "multiprocessors": 108, "architecture": 80, "ptx": false, "programs": {}, "tiles": {"conv2d F16 1x2x3": 64}}""", "tiles")]
    public void AFileThatIsNoTableIsIgnoredAndToldOf(string text, string expected)
    {
        folder.Write(Empty().FileName, text);
        var table = Load(Empty());
        Assert.Equal(0, table.Count);
        Assert.Contains(expected, table.Problem, StringComparison.Ordinal);
        var line = Assert.Single(TileTable.Describe(folder.Path, Compiler));
        Assert.StartsWith("ignored: ", line, StringComparison.Ordinal);
    }

    [Fact]
    public void DamagedFilesAreNeverAnError()
    {
        var file = Write();
        var good = File.ReadAllBytes(file);
        var random = new Random(3);
        for (var i = 0; i < 300; i++)
        {
            byte[] bad = [.. good];
            if (i % 3 == 0) bad = bad[..random.Next(bad.Length)];
            else for (var k = 0; k <= i % 4; k++) bad[random.Next(bad.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(file, bad);
            Assert.InRange(Load(Empty()).Count, 0, 2);
            Assert.Single(TileTable.Describe(folder.Path, Compiler));
        }
    }

    [Fact]
    public void TheReportSaysWhatTablesThereAre()
    {
        var file = Write();
        Assert.Equal([$"A Device (80 GB): 2 products, {file}"], TileTable.Describe(folder.Path, Compiler));
        Assert.Equal([$"A Device (80 GB): 0 products; measured with other kernels or another compiler: conv2d, geglu, {file}"], TileTable.Describe(folder.Path, new(12, 8)));
        var copy = folder.At("tiles-B-108-sm_80.json");
        File.Move(file, copy);
        Assert.Equal([$"ignored: {copy}: is of {Path.GetFileName(file)}"], TileTable.Describe(folder.Path, Compiler));
        Assert.Empty(TileTable.Describe(folder.At("nowhere"), Compiler));
    }

    /// <summary>On the virtual GPU a launch costs what it executes.</summary>
    [VirtualFact]
    public void WhatIsMeasuredIsUsedByTheNextBackendAndChangesNoBit()
    {
        byte[] byRule, byTable;
        string[] measured;
        IReadOnlyList<TunedProduct> products;
        using (var backend = new CudaBackend(CudaTestDevice.OpenWithoutProducts(), DType.F16) { TileFolder = folder.Path })
        {
            byRule = Products(backend, out var ruled);
            Assert.Equal(["linear_64x64_f16", "geglu_64x64_f16", "conv2d_64x64_f16"], ruled);
            products = backend.Tune(() => Products(backend, out _), 1, out var file, new LaunchCounter());
            Assert.Equal(folder.Path, Path.GetDirectoryName(file));
            Assert.Equal(["conv2d F16 64x128x72", "geglu F16 64x256x32", "linear F16 64x128x32"], products.Select(product => product.Key.ToString()).Order(StringComparer.Ordinal));
            foreach (var product in products)
            {
                Assert.Equal(product.Key.Op == "linear" ? 2 : 3, product.Costs.Count);
                Assert.Equal(product.Costs.OrderBy(cost => cost.Cost), product.Costs);
            }
            // A wide tile moves less to shared memory for the same sums, so the rule's small one is not what is measured to be best here.
            Assert.Contains(products, product => product.Costs[0].Tile != ProductTile.Small.Name);
            Assert.Equal(byRule, Products(backend, out measured));
        }
        using (var next = new CudaBackend(CudaTestDevice.OpenWithoutProducts(), DType.F16) { TileFolder = folder.Path })
        {
            byTable = Products(next, out var used);
            Assert.Equal(measured, used);
            Assert.Equal(products.Select(product => $"{product.Key.Op}_{product.Costs[0].Tile}_f16").Order(StringComparer.Ordinal), used.Order(StringComparer.Ordinal));
        }
        Assert.Equal(byRule, byTable);
        Assert.Contains($"3 products, {Path.Combine(folder.Path, "tiles-")}", Assert.Single(TileTable.Describe(folder.Path, NvrtcPresence.Compiler.Version)), StringComparison.Ordinal);
    }

    /// <summary>By the device's own clock, which on a virtual one tells little.</summary>
    [NvrtcFact]
    public void LaunchesAreTimedByEvents()
    {
        using var backend = new CudaBackend(CudaTestDevice.OpenWithoutProducts(), DType.F16) { TileFolder = folder.Path };
        using var memory = backend.Allocate(1 << 16);
        Tensor x = new(memory, 0, [16, 32], DType.F16), weight = new(memory, 4096, [24, 32], DType.F16), y = new(memory, 8192, [16, 24], DType.F16);
        backend.Clear(new(memory, 0, [1 << 16], DType.U8));
        var product = Assert.Single(backend.Tune(() => backend.Linear(x, weight, null, y, Activation.Silu), 2, out var file));
        Assert.Equal((new TileKey("linear", DType.F16, 16, 24, 32), 2), (product.Key, product.Costs.Count));
        Assert.All(product.Costs, cost => Assert.InRange(cost.Cost, 0, 1e6));
        Assert.True(File.Exists(file));
    }

    /// <summary>A linear, a GEGLU and a convolution; their results' bytes, and the kernels that computed them.</summary>
    static byte[] Products(CudaBackend backend, out string[] kernels)
    {
        var random = new Random(9);
        using var memory = backend.Allocate(1 << 20);
        long at = 0;
        Tensor New(Shape shape)
        {
            var tensor = new Tensor(memory, at, shape, DType.F16);
            at += Arena.Align(tensor.Bytes);
            backend.Upload([.. Enumerable.Range(0, (int)shape.Elements).Select(_ => random.NextSingle() - 0.5f)], tensor);
            return tensor;
        }
        Tensor x = New([64, 32]), image = New([1, 8, 8, 8]), weight = New([128, 32]), gated = New([256, 32]), filter = New([128, 3, 3, 8]), y = New([3, 64, 128]);
        Tensor Part(int i) => new(memory, y.ByteOffset + i * 64 * 128 * 2, [64, 128], DType.F16);
        VirtualContext.Current!.ForgetLaunches();
        backend.Linear(x, weight, null, Part(0), Activation.Silu);
        backend.Geglu(x, gated, null, Part(1));
        backend.Conv2d(image, filter, null, Part(2).Reshape([1, 8, 8, 128]), new(Padding: 1));
        var bytes = new byte[y.Bytes];
        backend.Download(y, bytes);
        kernels = [.. VirtualContext.Current!.Launches.Select(launch => launch.Kernel)];
        return bytes;
    }

    /// <summary>Instructions that a launch's warps execute.</summary>
    sealed class LaunchCounter : ILaunchClock
    {
        int count;

        public void Start() { }

        public void Stop() => count++;

        public IReadOnlyList<double> Read()
        {
            // Nothing but products is launched, and the work has waited for its results.
            var launches = VirtualContext.Current!.Launches;
            Assert.Equal(count, launches.Count);
            count = 0;
            return [.. launches.Select(launch => (double)launch.Counters.Instructions)];
        }
    }
}

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
            Assert.Equal(["conv2d F16 64x128x72", "geglu F16 64x256x256", "linear F16 64x128x256"], products.Select(product => product.Key.ToString()).Order(StringComparer.Ordinal));
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

    /// <summary>Gradients are tuned as all products are: what is measured is the product, not the sum of its parts or what comes after one that has no outputs. What is added to is what one run leaves.</summary>
    [VirtualFact]
    public void GradientsAreTunedAndChangeNoBit()
    {
        using var backend = new CudaBackend(CudaTestDevice.OpenWithoutProducts(), DType.F16) { TileFolder = folder.Path };
        using var memory = backend.Allocate(1 << 20);
        var random = new Random(11);
        long at = 0;
        Tensor New(Shape shape, DType type)
        {
            var tensor = new Tensor(memory, at, shape, type);
            at += Arena.Align(tensor.Bytes);
            backend.Upload([.. Enumerable.Range(0, (int)shape.Elements).Select(_ => random.NextSingle() - 0.5f)], tensor);
            return tensor;
        }
        Tensor x = New([1, 520, 32], DType.F16), dy = New([1, 520, 16], DType.F16), weight = New([16, 32], DType.F16), dx = New(x.Shape, DType.F16), dWeight = New([16, 32], DType.F32);
        Tensor image = New([1, 4, 5, 8], DType.F16), dImage = New([1, 4, 5, 16], DType.F16), filter = New([16, 3, 3, 8], DType.F16), dPixels = New(image.Shape, DType.F16), dFilter = New(filter.Shape, DType.F32), none = New([1, 0, 16], DType.F16);
        (byte[], string[]) Run()
        {
            VirtualContext.Current!.ForgetLaunches();
            backend.LinearBackward(none, weight, New([1, 0, 32], DType.F16));
            backend.Clear(dWeight);
            backend.Clear(dFilter);
            backend.LinearBackward(dy, weight, dx);
            backend.LinearWeightBackward(x, dy, dWeight);
            backend.Conv2dBackward(dImage, filter, dPixels, new(Padding: 1));
            backend.Conv2dWeightBackward(image, dImage, dFilter, new(Padding: 1));
            backend.Activate(dx, dx, Activation.None);
            byte[] bytes = new byte[dWeight.Bytes], last = new byte[dFilter.Bytes];
            backend.Download(dWeight, bytes);
            backend.Download(dFilter, last);
            return ([.. bytes, .. last], [.. VirtualContext.Current.Launches.Select(launch => launch.Kernel)]);
        }
        var (byRule, launched) = Run();
        Assert.Equal(["linear_backward_64x64_f16", "linear_weight_backward_64x64_f16", "sum_parts_f32", "conv2d_backward_64x64_f16", "conv2d_weight_backward_64x64_f16", "activate_f16"], launched);
        var products = backend.Tune(() => Run(), 1, out _, new LaunchCounter());
        Assert.Equal(["conv2d_backward F16 20x8x144", "conv2d_weight_backward F16 16x72x20", "linear_backward F16 520x32x16", "linear_weight_backward F16 32x32x520"], products.Select(product => product.Key.ToString()).Order(StringComparer.Ordinal));
        Assert.All(products, product => Assert.Equal(product.Key.Op == "conv2d_backward" ? 3 : 2, product.Costs.Count));
        var left = new byte[dWeight.Bytes];
        backend.Download(dWeight, left);
        Assert.Equal(byRule[..left.Length], left);
        var (byTable, used) = Run();
        Assert.Equal(byRule, byTable);
        foreach (var product in products) Assert.Contains($"{product.Key.Op}_{product.Costs[0].Tile}_f16", used);
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
        Tensor x = New([64, 256]), image = New([1, 8, 8, 8]), weight = New([128, 256]), gated = New([256, 256]), filter = New([128, 3, 3, 8]), y = New([3, 64, 128]);
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
            // The work has waited for its results.
            var launches = VirtualContext.Current!.Launches.Where(launch => launch.Kernel is not ("sum_parts_f32" or "activate_f16")).ToList();
            Assert.Equal(count, launches.Count);
            count = 0;
            return [.. launches.Select(launch => (double)launch.Counters.Instructions)];
        }
    }
}

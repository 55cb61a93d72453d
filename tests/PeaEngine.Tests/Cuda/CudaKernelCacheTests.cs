using PeaEngine.Cuda;

namespace PeaEngine.Tests.Cuda;

/// <summary>Compiled kernels on disk: found again, told apart, and compiled anew where they are damaged.</summary>
public class CudaKernelCacheTests
{
    static readonly KernelTarget Target = new(80);

    static readonly KernelSource Source = new("scale", "#include \"factor.cuh\"\nextern \"C\" __global__ void scale(float* x) { x[threadIdx.x] *= FACTOR; }",
        new Dictionary<string, string> { ["factor.cuh"] = "#define FACTOR 2.0f" }, []);

    [NvrtcFact]
    public void AnEntryIsMadeOnce()
    {
        using var folder = new TemporaryFolder();
        var path = folder.At("kernels");
        var first = new KernelCache(NvrtcPresence.Compiler, path);
        var code = first.Get(Source, Target);
        Assert.Equal(1, first.Compiled);
        var second = new KernelCache(NvrtcPresence.Compiler, path);
        Assert.Equal(code, second.Get(Source, Target));
        Assert.Equal(0, second.Compiled);
        var file = Assert.Single(Directory.GetFiles(path));
        Assert.Equal(32 + code.Length, new FileInfo(file).Length);
        Assert.Equal(NvrtcPresence.Compiler.Compile(Source, Target).Code, code);
    }

    [Fact]
    public void WhateverTheCodeFollowsFromIsInItsName()
    {
        var version = new Version(11, 8);
        byte[][] keys =
        [
            KernelCache.Key(Source, Target, version),
            KernelCache.Key(Source with { Text = Source.Text + " " }, Target, version),
            KernelCache.Key(Source with { Name = "scales" }, Target, version),
            KernelCache.Key(Source with { Headers = new Dictionary<string, string> { ["factor.cuh"] = "#define FACTOR 3.0f" } }, Target, version),
            KernelCache.Key(Source with { Headers = new Dictionary<string, string> { ["factors.cuh"] = "#define FACTOR 2.0f" } }, Target, version),
            KernelCache.Key(Source with { Options = ["-DHEAD=64"] }, Target, version),
            KernelCache.Key(Source with { Options = ["-DHEAD=6", "4"] }, Target, version),
            KernelCache.Key(Source, Target with { Architecture = 86 }, version),
            KernelCache.Key(Source, Target with { IsPtx = true }, version),
            KernelCache.Key(Source, Target, new(12, 8)),
        ];
        Assert.Equal(keys.Length, keys.Select(Convert.ToHexString).Distinct().Count());
        Assert.Equal(keys[0], KernelCache.Key(Source with { Headers = new Dictionary<string, string>(Source.Headers) }, Target, version));
    }

    [NvrtcFact]
    public void DamagedEntriesAreCompiledAgain()
    {
        using var folder = new TemporaryFolder();
        var code = new KernelCache(NvrtcPresence.Compiler, folder.Path).Get(Source, Target);
        var file = Assert.Single(Directory.GetFiles(folder.Path));
        var good = File.ReadAllBytes(file);
        // Cut short, empty, one bit turned over in the prefix and in the code, and another entry under this one's name.
        byte[] other = [.. good[..40], .. good[41..]];
        foreach (var bad in new[] { good[..^1], good[..32], [], Flip(good, 3), Flip(good, good.Length - 5), other, Other() })
        {
            File.WriteAllBytes(file, bad);
            var cache = new KernelCache(NvrtcPresence.Compiler, folder.Path);
            Assert.Equal(code, cache.Get(Source, Target));
            Assert.Equal(1, cache.Compiled);
            Assert.Equal(good, File.ReadAllBytes(file));
        }

        byte[] Other()
        {
            using var elsewhere = new TemporaryFolder();
            new KernelCache(NvrtcPresence.Compiler, elsewhere.Path).Get(Source, new(86));
            return File.ReadAllBytes(Assert.Single(Directory.GetFiles(elsewhere.Path)));
        }

        static byte[] Flip(byte[] content, int at)
        {
            byte[] flipped = [.. content];
            flipped[at] ^= 16;
            return flipped;
        }
    }

    [NvrtcFact]
    public void WritersAtTheSameTimeLeaveOneWholeEntry()
    {
        using var folder = new TemporaryFolder();
        var codes = new byte[4][];
        Parallel.For(0, codes.Length, i => codes[i] = new KernelCache(NvrtcPresence.Compiler, folder.Path).Get(Source, Target));
        Assert.All(codes, code => Assert.Equal(codes[0], code));
        Assert.EndsWith(".kernel", Assert.Single(Directory.GetFiles(folder.Path)), StringComparison.Ordinal);
    }

    [NvrtcFact]
    public void WhatADeadProcessLeftIsCleared()
    {
        using var folder = new TemporaryFolder();
        string old = folder.Write("a.tmp", ""), young = folder.Write("b.tmp", "");
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddDays(-2));
        new KernelCache(NvrtcPresence.Compiler, folder.Path).Get(Source, Target);
        Assert.False(File.Exists(old));
        Assert.True(File.Exists(young));
    }

    [NvrtcFact]
    public void AFolderThatCannotBeWrittenCostsOnlyTime()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("file", "");
        var cache = new KernelCache(NvrtcPresence.Compiler, Path.Combine(file, "kernels"));
        Assert.NotEmpty(cache.Get(Source, Target));
        Assert.NotEmpty(cache.Get(Source, Target));
        Assert.Equal(2, cache.Compiled);
    }
}

using System.Security.Cryptography;
using System.Text;

namespace PeaEngine.Cuda;

/// <summary>
/// Compiled kernels in a folder, so that a program is compiled once a machine. An entry is a file named by the SHA-256 of all that its code follows from; its
/// first 32 bytes are the SHA-256 of that name and the code behind them. Entries are written under a temporary name and renamed, so that any number of processes may
/// share the folder; one that is damaged is compiled again. Where the folder cannot be written, kernels are compiled in every run.
/// </summary>
/// <param name="compiler">NVRTC.</param>
/// <param name="folder">Where; by default the user's cache, or what <c>PEA_KERNEL_CACHE</c> names.</param>
public class KernelCache(NvrtcCompiler compiler, string? folder = null)
{
    /// <summary>The environment variable that names another folder.</summary>
    public const string Variable = "PEA_KERNEL_CACHE";

    const string Ending = ".kernel", TemporaryEnding = ".tmp";

    static readonly TimeSpan Abandoned = TimeSpan.FromDays(1);

    /// <summary>Where the entries are.</summary>
    public string Folder { get; } = folder ?? DefaultFolder;

    /// <summary>What compiles.</summary>
    public NvrtcCompiler Compiler => compiler;

    /// <summary>How many kernels this object compiled because they were not there.</summary>
    public int Compiled { get; private set; }

    /// <summary>The user's cache of kernels.</summary>
    public static string DefaultFolder
    {
        get
        {
            if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } chosen) return chosen;
            if (OperatingSystem.IsWindows()) return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "PeaEngine", "kernels");
            var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } given ? given : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), ".cache");
            return Path.Combine(cache, "pea-engine", "kernels");
        }
    }

    /// <summary>A program's code for a target.</summary>
    /// <exception cref="CudaException">It does not compile.</exception>
    public virtual byte[] Get(KernelSource source, KernelTarget target)
    {
        var key = Key(source, target, compiler.Version);
        var file = Path.Combine(Folder, Convert.ToHexStringLower(key) + Ending);
        if (Read(file, key) is { } stored) return stored;
        var code = compiler.Compile(source, target).Code;
        Compiled++;
        Write(file, key, code);
        return code;
    }

    /// <summary>The identity of a program's code: SHA-256 of source, headers, options, architecture and NVRTC's version, each with its length before it.</summary>
    internal static byte[] Key(KernelSource source, KernelTarget target, Version compiler)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        string[] parts = [$"NVRTC {compiler}", source.Name, source.Text, .. NvrtcCompiler.Options(target), .. source.Options, "headers",
            .. source.Headers.OrderBy(header => header.Key, StringComparer.Ordinal).SelectMany(header => new[] { header.Key, header.Value })];
        foreach (var part in parts)
        {
            var bytes = Encoding.UTF8.GetBytes(part);
            hash.AppendData(BitConverter.GetBytes((long)bytes.Length));
            hash.AppendData(bytes);
        }
        return hash.GetHashAndReset();
    }

    /// <summary>Makes the folder where it is not there. Only the owner may write what will run on the device.</summary>
    internal static void Create(string folder)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    static byte[]? Read(string file, byte[] key)
    {
        try
        {
            var content = File.ReadAllBytes(file);
            if (content.Length <= SHA256.HashSizeInBytes) return null;
            var code = content[SHA256.HashSizeInBytes..];
            return Seal(key, code).AsSpan().SequenceEqual(content.AsSpan(0, SHA256.HashSizeInBytes)) ? code : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    void Write(string file, byte[] key, byte[] code)
    {
        try
        {
            Create(Folder);
            foreach (var left in Directory.EnumerateFiles(Folder, "*" + TemporaryEnding))
                if (DateTime.UtcNow - File.GetLastWriteTimeUtc(left) > Abandoned) File.Delete(left);
            var temporary = $"{file}.{Environment.ProcessId}.{Guid.NewGuid():N}{TemporaryEnding}";
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                stream.Write(Seal(key, code));
                stream.Write(code);
            }
            File.Move(temporary, file, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The kernel is compiled all the same; only the next run does it again.
        }
    }

    static byte[] Seal(byte[] key, byte[] code) => SHA256.HashData([.. key, .. code]);
}

namespace PeaEngine.Formats;

/// <summary>
/// A file of <c>torch.save</c>, as a zip archive or in the legacy format: its tensors are found without executing anything that it says,
/// and read in pieces straight from the file. Reading is safe from several threads.
/// </summary>
/// <remarks>
/// The tensors are those of the dictionary <c>state_dict</c> where there is one, as in Lightning's training states; else those of the whole,
/// where those of a dictionary within have its key and a dot before their own. Formats: torch/serialization.py.
/// </remarks>
public sealed class TorchFile : ITensorSource
{
    readonly RandomAccessFile file;
    readonly Dictionary<string, TensorInfo> tensors = [];
    readonly Dictionary<string, StridedView> views = [];

    TorchFile(RandomAccessFile file)
    {
        this.file = file;
        Span<byte> beginning = stackalloc byte[(int)Math.Min(file.Length, TensorFile.BeginningBytes)];
        file.Read(0, beginning);
        var content = Recognizes(beginning) switch
        {
            true when beginning.StartsWith(ZipDirectory.Beginning) => TorchArchive.Read(file),
            true => TorchLegacy.Read(file),
            false => throw new PeaException($"{file.Path}: no torch file: it begins neither as a zip archive nor as a pickle, expected what torch.save writes"),
        };
        foreach (var (name, tensor) in TorchStateDictionary.Collect(file.Path, content.Root, file.Length)) Add(name, tensor, content.Storages);
        Metadata = content.Metadata;
    }

    /// <inheritdoc/>
    public string Path => file.Path;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => tensors;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks all of it but the tensors' values.</summary>
    /// <exception cref="PeaException">
    /// There is no such file; it is no torch file, or a broken one; it names something that is not on the list of what a torch file may
    /// name; it holds something else than a dictionary of tensors, or one of an element type that is not supported.
    /// </exception>
    public static TorchFile Open(string path)
    {
        var file = RandomAccessFile.Open(path, "a torch file");
        try
        {
            return new TorchFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(string name, long byteOffset, Span<byte> destination)
    {
        var info = this.Locate(name, byteOffset, destination.Length);
        if (info.Bytes > 0) views[name].Read(file, byteOffset, destination);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => file.Dispose();

    /// <summary>Whether a file that begins like this is a torch file.</summary>
    internal static bool Recognizes(ReadOnlySpan<byte> beginning) =>
        beginning.StartsWith(ZipDirectory.Beginning) || beginning is [(byte)PickleOpcode.Proto, >= 2 and <= 5, ..];

    void Add(string name, TorchTensor tensor, IReadOnlyDictionary<string, ZipEntry> storages)
    {
        var (storage, element) = (tensor.Storage, tensor.Element);
        if (element.DType is not { } dtype) throw new PeaException($"{Path}: tensor {Quoted.Of(name)} is of torch's {element.Name}, which is not supported");
        if (!storages.TryGetValue(storage.Key, out var place)) throw new PeaException($"{Path}: storage {Quoted.Of(storage.Key)} of tensor {Quoted.Of(name)} is missing");
        if (storage.FileElements > place.Bytes / storage.Element.Bytes)
            throw new PeaException($"{Path}: storage {Quoted.Of(storage.Key)} has {place.Bytes} bytes, expected {storage.FileElements} elements of {storage.Element.Name}");
        var info = Describe(name, dtype, tensor.Shape);
        // A view can repeat elements without end; whoever reads it should not have to reckon with more than the file explains.
        if (info.Bytes > file.Length) throw new PeaException($"{Path}: tensor {Quoted.Of(name)} is {info}, a view of fewer elements, expected no more than the file's {file.Length} bytes");
        tensors.Add(name, info);
        if (info.Bytes > 0)
            views.Add(name, new StridedView(place.Position + storage.First * storage.Element.Bytes + tensor.Offset * element.Bytes, tensor.Shape, tensor.Strides, element.Bytes));
    }

    TensorInfo Describe(string name, DType dtype, long[] shape)
    {
        try
        {
            return new TensorInfo(name, dtype, shape);
        }
        catch (PeaException exception)
        {
            throw new PeaException($"{Path}: {exception.Message}", exception);
        }
    }
}

/// <summary>What a torch file holds.</summary>
/// <param name="Root">The object that was saved.</param>
/// <param name="Storages">Where the storages' bytes are, by key.</param>
/// <param name="Metadata">What is noted beside.</param>
sealed record TorchContent(object? Root, IReadOnlyDictionary<string, ZipEntry> Storages, IReadOnlyDictionary<string, string> Metadata);

using System.Globalization;
using PeaEngine.Formats;

namespace PeaEngine.Train.Checkpoints;

/// <summary>
/// The checkpoints of a run, a folder each. One is filled under a temporary name, its files are flushed, its list of hashes is written, and
/// only then it gets its name; so that whenever the process or the machine stops, the newest finished one is whole.
/// </summary>
/// <param name="folder">Where they are; made by the first save.</param>
/// <param name="keep">How many stay, 1 or more.</param>
public sealed class CheckpointStore(string folder, int keep)
{
    const string Prefix = "step-", Temporary = ".unfinished-";

    /// <summary>The checkpoint of a step, whether it is there or not.</summary>
    public Checkpoint At(long step) => new(step, Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step:D8}")));

    /// <summary>Saves a checkpoint, then deletes those beyond the ones to keep. One of the same step that is whole already stays as it is.</summary>
    /// <param name="step">Optimiser steps that were done, 0 or more.</param>
    /// <param name="fill">Writes files into the folder that it is given.</param>
    /// <exception cref="PeaException">The files cannot be written.</exception>
    public Checkpoint Save(long step, Action<string> fill)
    {
        ArgumentNullException.ThrowIfNull(fill);
        var checkpoint = At(step);
        try
        {
            if (Broken(checkpoint) != null) Write(checkpoint, fill);
            foreach (var other in All())
                // What is later than the newest step is of a run that this one went on from: it was damaged, or it would have been loaded.
                if (other.Step > step) Delete(other.Folder);
            foreach (var old in All().Skip(keep)) Delete(old.Folder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PeaException($"{checkpoint.Folder}: cannot be written: {exception.Message.ReplaceLineEndings(" ")}", exception);
        }
        return checkpoint;
    }

    /// <summary>The newest checkpoint that is whole, or null.</summary>
    /// <param name="warn">Is told of each damaged one that is passed over.</param>
    /// <exception cref="PeaException">The folder cannot be read.</exception>
    public Checkpoint? Newest(Action<string> warn)
    {
        ArgumentNullException.ThrowIfNull(warn);
        try
        {
            foreach (var checkpoint in All())
            {
                if (Broken(checkpoint) is not { } why) return checkpoint;
                warn($"{checkpoint.Folder}: a damaged checkpoint, the one before is taken: {why}");
            }
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PeaException($"{folder}: {exception.Message.ReplaceLineEndings(" ")}, expected a folder of checkpoints", exception);
        }
    }

    void Write(Checkpoint checkpoint, Action<string> fill)
    {
        Directory.CreateDirectory(folder);
        foreach (var left in Directory.EnumerateDirectories(folder, Temporary + "*")) Directory.Delete(left, recursive: true);
        var temporary = Path.Combine(folder, $"{Temporary}{checkpoint.Step}");
        Directory.CreateDirectory(temporary);
        try
        {
            fill(temporary);
            CheckpointManifest.Write(temporary);
            DurableFolder.Flush(temporary);
            if (Directory.Exists(checkpoint.Folder)) Delete(checkpoint.Folder);
            Directory.Move(temporary, checkpoint.Folder);
            DurableFolder.Flush(folder);
        }
        catch
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
            throw;
        }
    }

    /// <summary>Newest first.</summary>
    List<Checkpoint> All() => !Directory.Exists(folder) ? [] :
        [.. Directory.EnumerateDirectories(folder, Prefix + "*").Select(Parse).OfType<Checkpoint>().OrderByDescending(checkpoint => checkpoint.Step)];

    Checkpoint? Parse(string path) =>
        long.TryParse(Path.GetFileName(path).AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var step) && At(step) is var checkpoint && checkpoint.Folder == path ? checkpoint : null;

    /// <summary>What is wrong with a checkpoint, or null.</summary>
    static string? Broken(Checkpoint checkpoint)
    {
        try
        {
            CheckpointManifest.Verify(checkpoint.Folder);
            return null;
        }
        catch (PeaException exception)
        {
            return exception.Message;
        }
    }

    static void Delete(string path)
    {
        CheckpointManifest.Delete(path);
        Directory.Delete(path, recursive: true);
    }
}

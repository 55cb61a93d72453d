using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using PeaEngine.Diffusion.Images;

namespace PeaEngine.Train.Metrics;

/// <summary>
/// A file of events for TensorBoard: TFRecords (length, its checksum, data, its checksum; checksums are masked CRC-32C) of <c>Event</c>
/// messages (tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto). Each is in the file when the call returns.
/// </summary>
public sealed class EventFile : IDisposable
{
    readonly FileStream file;
    readonly TimeProvider time;

    /// <summary>A new file in a folder, named by the time as TensorBoard wants it.</summary>
    /// <param name="folder">The folder, which is there.</param>
    /// <param name="time">The clock; null is the system's.</param>
    /// <exception cref="PeaException">The file cannot be written.</exception>
    public EventFile(string folder, TimeProvider? time = null)
    {
        this.time = time ?? TimeProvider.System;
        var seconds = this.time.GetUtcNow().ToUnixTimeSeconds().ToString("D10", CultureInfo.InvariantCulture);
        // A run that goes on within the second takes the next free name: they are read in this order.
        for (var number = 0; file == null; number++)
            try
            {
                file = new FileStream(Path.Combine(folder, $"events.out.tfevents.{seconds}.{number}.pea"), FileMode.CreateNew, FileAccess.Write, FileShare.Read);
            }
            catch (IOException) when (number < 1000 && Directory.Exists(folder))
            {
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw new PeaException($"{folder}: cannot be written to: {exception.Message.ReplaceLineEndings(" ")}", exception);
            }
        Write(0, (ProtobufWriter message) => message.Text(3, "brain.Event:2"));
    }

    /// <summary>Says that a run begins or goes on here: TensorBoard leaves out what earlier files have of this step and of later ones (<c>SessionLog.START</c>).</summary>
    /// <param name="step">The first step that is to come, counted from 1.</param>
    public void Begin(long step)
    {
        var log = new ProtobufWriter();
        log.Integer(1, 1);
        Write(step, message => message.Message(7, log));
    }

    /// <summary>Adds a step's numbers.</summary>
    /// <param name="step">Counted from 1.</param>
    /// <param name="metrics">The numbers, each a curve of its name.</param>
    public void Scalars(long step, params ReadOnlySpan<Metric> metrics)
    {
        var summary = new ProtobufWriter();
        foreach (var (name, number) in metrics)
        {
            var value = new ProtobufWriter();
            value.Text(1, name);
            value.Single(2, (float)number);
            summary.Message(1, value);
        }
        Write(step, message => message.Message(5, summary));
    }

    /// <summary>Adds a picture.</summary>
    /// <param name="step">Counted from 1.</param>
    /// <param name="name">Pictures of one name are shown one after another.</param>
    /// <param name="picture">The picture.</param>
    public void Image(long step, string name, PixelImage picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        using var png = new MemoryStream();
        picture.SavePng(png);
        ProtobufWriter image = new(), value = new(), summary = new();
        image.Integer(1, picture.Height);
        image.Integer(2, picture.Width);
        image.Integer(3, picture.Channels);
        image.Bytes(4, png.ToArray());
        value.Text(1, name);
        value.Message(4, image);
        summary.Message(1, value);
        Write(step, message => message.Message(5, summary));
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => file.Dispose();

    void Write(long step, Action<ProtobufWriter> content)
    {
        var message = new ProtobufWriter();
        message.Double(1, time.GetUtcNow().ToUnixTimeMilliseconds() / 1e3);
        message.Integer(2, step);
        content(message);
        var data = message.Written;
        var record = new byte[data.Length + 16];
        BinaryPrimitives.WriteInt64LittleEndian(record, data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedCrc(record.AsSpan(0, 8)));
        data.CopyTo(record.AsSpan(12));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), MaskedCrc(data));
        try
        {
            file.Write(record);
            file.Flush();
        }
        catch (IOException exception)
        {
            throw new PeaException($"{file.Name}: cannot be written: {exception.Message.ReplaceLineEndings(" ")}", exception);
        }
    }

    /// <summary>CRC-32C, turned and shifted so that a checksum of data with checksums in it is no weaker.</summary>
    internal static uint MaskedCrc(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data) crc = BitOperations.Crc32C(crc, value);
        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8;
    }
}

using PeaEngine.Train;
using PeaEngine.Train.Data;
using PeaEngine.Train.Training;

namespace PeaEngine.Tests.Train.Data;

/// <summary>The data of the next step, which is read while others work.</summary>
public sealed class ReadAheadTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>What belongs to a batch comes with it, however early it was read.</summary>
    [Fact]
    public void ABatchIsReadBesideOtherWorkAndComesWithAllThatBelongsToIt()
    {
        using var go = new SemaphoreSlim(0);
        List<string> warnings = [];
        var (read, dropped) = (0, 0L);
        ReadAhead<int> ahead = null!;
        ahead = new(cancellation =>
        {
            if (read > 0) go.Wait(cancellation);
            ahead.Tell($"{read}");
            dropped += 10;
            return read++;
        }, () => new Dictionary<DropReason, long> { [DropReason.Damaged] = Volatile.Read(ref dropped) }, warnings.Add);
        Assert.Equal(0, ahead.Next(default));
        ahead.Begin();
        // Once is enough.
        ahead.Begin();
        go.Release();
        SpinWait.SpinUntil(() => Volatile.Read(ref dropped) == 20);
        Assert.Equal((10, "0"), (ahead.Dropped[DropReason.Damaged], string.Join(' ', warnings)));
        Assert.Equal(1, ahead.Next(default));
        Assert.Equal((20, "0 1"), (ahead.Dropped[DropReason.Damaged], string.Join(' ', warnings)));
        // Whoever waits may be cancelled; what is read is given all the same.
        ahead.Begin();
        using (var stop = new CancellationTokenSource(50)) Assert.ThrowsAny<OperationCanceledException>(() => ahead.Next(stop.Token));
        go.Release();
        Assert.Equal(2, ahead.Next(default));
        Assert.Equal("0 1 2", string.Join(' ', warnings));
        ahead.Begin();
        go.Release();
        ahead.Dispose();
        Assert.Equal("0 1 2", string.Join(' ', warnings));
    }

    [Fact]
    public void AnErrorIsTheBatchsThatItBelongsTo()
    {
        var read = 0;
        using var ahead = new ReadAhead<int>(_ => ++read == 2 ? throw new PeaException("damaged") : read, () => new Dictionary<DropReason, long>(), _ => { });
        Assert.Equal(1, ahead.Next(default));
        ahead.Begin();
        Assert.Equal("damaged", Assert.Throws<PeaException>(() => ahead.Next(default)).Message);
        Assert.Equal(3, ahead.Next(default));
    }

    [Fact]
    public void ADisposedOneStopsReading()
    {
        using var begun = new SemaphoreSlim(0);
        var ahead = new ReadAhead<int>(cancellation =>
        {
            begun.Release();
            cancellation.WaitHandle.WaitOne();
            throw new OperationCanceledException(cancellation);
        }, () => new Dictionary<DropReason, long>(), _ => { });
        ahead.Begin();
        begun.Wait();
        ahead.Dispose();
    }

    /// <summary>Before the first step is told of, the data of the third is asked for; that of a fourth, which there is not, never is.</summary>
    [Fact]
    public void ARunReadsWhileItComputes()
    {
        var picture = ShardFiles.Samples([("a", 64, 64, """{"caption_zh":"老虎","caption_en":"a tiger"}""")]);
        using var server = new ShardServer(picture);
        using var backend = Device.Open("cpu", 1);
        var config = SampleRun.Config(folder.At("run")) with { Adapter = Path.Combine(SampleRun.Samples, "initial-adapter.safetensors"), Steps = 3, TensorBoard = false };
        config = config with { Data = config.Data with { Sources = [new([server.Url])], Sampling = Sampling.Shuffled, ShuffleBuffer = 1, BatchSize = 1 } };
        var asked = new List<int>();
        using (var trainer = new Trainer(config, backend, _ => { }))
            trainer.Run(new Watcher<TrainingProgress>(progress =>
            {
                SpinWait.SpinUntil(() => server.Requests.Count >= 3, TimeSpan.FromSeconds(20));
                asked.Add(server.Requests.Count);
            }));
        Assert.Equal([3, 3, 3], asked);
    }
}

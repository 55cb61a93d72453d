using System.Globalization;
using PeaEngine.Backends;
using PeaEngine.Perf.Models;
using PeaEngine.Train.Config;

namespace PeaEngine.Perf;

/// <summary>Measures on a GPU which tiles are best for the products of SDXL in its own size, and writes them into the device's table, from which every later run takes them.</summary>
static class TileTuning
{
    const int Repeats = 9;

    /// <summary>512² and 1024², without guidance and with it, the VAE at 1024², and, for the gradients, a step of distillation.</summary>
    static readonly IBenchmark[] Work =
    [
        new UNet(64, 77), new UNet(64, 77, 2), new UNet(128, 77), new UNet(128, 77, 2), new VaeDecode(128), new DistillStep("distill_step_sdxl", TrainTarget.Adapter, 10, 80, 77, isFullSize: true),
    ];

    /// <summary>Does it for both types of 16 bits.</summary>
    /// <param name="device">The device's name.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string device)
    {
        try
        {
            foreach (var type in new[] { DType.F16, DType.BF16 })
            {
                using var backend = Device.Open(device, activations: type) as CudaBackend ?? throw new OptionException($"device '{device}': expected cuda or cuda:N, tiles are a GPU's");
                foreach (var work in Work)
                {
                    using var room = new Room(backend, 0);
                    var products = backend.Tune(work.Set(room), Repeats, out var file);
                    Console.WriteLine($"{work.Op} {string.Join(' ', work.Arguments.Select(argument => $"{argument.Name}={argument.Value}"))}, {type}: {products.Count} products, written to {file}");
                    foreach (var product in products)
                        Console.WriteLine($"  {product.Key,-40} {string.Join(", ", product.Costs.Select(cost => string.Create(CultureInfo.InvariantCulture, $"{cost.Tile} {cost.Cost:0.000} ms")))}");
                }
            }
            return 0;
        }
        catch (PeaException e)
        {
            Console.Error.WriteLine($"perf: {e.Message}");
            return e is OptionException ? 2 : 1;
        }
    }
}

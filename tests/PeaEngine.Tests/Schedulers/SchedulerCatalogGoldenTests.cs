using PeaEngine.Diffusion.Schedulers;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Schedulers;

/// <summary>The catalogue holds the golden folders' names and settings.</summary>
public class SchedulerCatalogGoldenTests
{
    // the model's, and the tests' own keys
    static readonly HashSet<string> NotInCatalogue =
        ["num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "init_noise_sigma", "num_inference_steps"];

    public static TheoryData<string> Cases => GoldenFolder.Cases("scheduler");

    [Theory]
    [MemberData(nameof(Cases))]
    public void HasTheFoldersSettings(string folder)
    {
        if (GoldenFolder.IsAbsent(folder) || (GoldenFolder.MayLack && !SchedulerCatalog.Names.Contains(NameOf(folder)))) return;
        var golden = JsonConfig.Load(GoldenFolder.At("scheduler", folder, "scheduler_config.json"));
        var settings = SchedulerCatalog.Find(NameOf(folder));

        foreach (var key in golden.Keys.Except(NotInCatalogue).Where(key => key != "step_arguments"))
            Assert.Equal((key, golden.Element(key)?.GetRawText()), (key, settings.Element(key)?.GetRawText()));
        Assert.Empty(settings.Keys.Except(golden.Keys));
        Assert.Equal(golden.Object("step_arguments")?.OptionalFloat("eta"), SchedulerCatalog.Eta(NameOf(folder)));
    }

    [Fact]
    public void HasTheFoldersNames()
    {
        var folders = Directory.EnumerateDirectories(Path.Combine(Repository.Root, "tests", "golden", "scheduler"));
        Assert.Equal(folders.Select(folder => NameOf(Path.GetFileName(folder))).Distinct().Order(StringComparer.Ordinal),
            SchedulerCatalog.Names.Order(StringComparer.Ordinal));
    }

    static string NameOf(string folder) => folder[..folder.LastIndexOf('-')];
}

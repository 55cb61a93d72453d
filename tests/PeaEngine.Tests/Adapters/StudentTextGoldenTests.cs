using System.Text.Json;
using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Tests.Models;

namespace PeaEngine.Tests.Adapters;

/// <summary>The texts of <c>golden/pipeline</c> that were drawn through a student and an adapter: ids, hidden states, pooled embedding and sequence from the text itself.</summary>
public class StudentTextGoldenTests
{
    public static TheoryData<string> Cases => GoldenFolder.Cases("pipeline", name => Texts(name) != null);

    [Theory, MemberData(nameof(Cases))]
    public void TextsBecomeTheReferencesEmbeddings(string folder)
    {
        if (GoldenFolder.IsAbsent(folder)) return;
        using var fixture = new ModelFixture();
        using var texts = GoldenTensors.Open(Texts(folder)!);
        foreach (var one in ReadCases(folder).Where(one => texts.Has($"{Text(one, "case")}.ids")))
        {
            using var scope = fixture.Pass.Scratch();
            using var student = StudentEncoder.Load(Locate(folder, Text(one, "student")), fixture.Backend);
            using var adapter = PeaAdapter.Load(Locate(folder, Text(one, "adapter")), fixture.Backend);
            var name = Text(one, "case");
            var (ids, mask) = student.Tokenize(Text(one, "prompt"));
            Assert.Equal(texts.Integers($"{name}.ids"), Array.ConvertAll(ids, id => (long)id));
            var hidden = student.Forward(fixture.Pass, ids, mask, 1);
            GoldenTensors.AssertClose(texts[$"{name}.hidden"], fixture.Download(hidden));
            var output = adapter.Forward(fixture.Pass, hidden, mask);
            GoldenTensors.AssertClose(texts[$"{name}.sequence"], fixture.Download(output.Sequence));
            GoldenTensors.AssertClose(texts[$"{name}.pooled"], fixture.Download(output.Pooled!.Value));
        }
    }

    static string? Texts(string folder) => Directory.EnumerateFiles(GoldenFolder.At("pipeline", folder), "*_text.safetensors").SingleOrDefault();

    /// <summary>A file of the case's folder, or of the samples.</summary>
    static string Locate(string folder, string path) =>
        GoldenFolder.At("pipeline", folder, path) is var own && Path.Exists(own) ? own : Path.Combine(Repository.Root, path);

    static IEnumerable<JsonElement> ReadCases(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(GoldenFolder.At("pipeline", folder), "cases*.json"))
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            foreach (var one in document.RootElement.EnumerateArray()) yield return one.Clone();
        }
    }

    static string Text(JsonElement one, string key) => one.GetProperty(key).GetString()!;
}

using System.Text.Json;
using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Tests.Tokenizers;

/// <summary>The ids that the reference gave its student encoders, prompt by prompt.</summary>
public class StudentTextGoldenTests
{
    public static TheoryData<string> Folders() => GoldenFolder.Cases("pipeline", name => Prompts(name).Any());

    [Theory]
    [MemberData(nameof(Folders))]
    public void IdsAreTheReferences(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        foreach (var (prompt, student, expected) in Prompts(name))
        {
            // A vocab.txt beside a student's weights is Chinese-CLIP's.
            var (ids, _) = Tokenizer.Load(student, BertDialect.ChineseClip).Encode(prompt, expected.Length);
            Assert.Equal(expected, ids.Select(id => (long)id));
        }
    }

    static IEnumerable<(string Prompt, string Student, long[] Ids)> Prompts(string name)
    {
        var folder = GoldenFolder.At("pipeline", name);
        string[] texts = [.. Directory.EnumerateFiles(folder, "*_text.safetensors")];
        foreach (var path in texts.Length > 0 ? Directory.EnumerateFiles(folder, "cases*.json") : [])
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            foreach (var entry in document.RootElement.EnumerateArray())
            {
                if (!entry.TryGetProperty("student", out var student)) continue;
                var beside = Path.Combine(folder, student.GetString()!);
                foreach (var text in texts)
                {
                    using var tensors = GoldenTensors.Open(text);
                    var ids = $"{entry.GetProperty("case").GetString()}.ids";
                    if (tensors.Has(ids)) yield return (entry.GetProperty("prompt").GetString()!, Directory.Exists(beside) ? beside : Path.Combine(Repository.Root, student.GetString()!), tensors.Integers(ids));
                }
            }
        }
    }
}

using System.Runtime.InteropServices;
using System.Text;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>
/// Unicode's normalization forms (UAX #15). Strings' own Normalize asks ICU and returns its input where globalization is
/// invariant, so a tokenizer that used it would give other ids on a machine without ICU.
/// </summary>
static class UnicodeNormalization
{
    const int HangulBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11A7;
    const int LeadCount = 19, VowelCount = 21, TailCount = 28;

    static readonly Lazy<CanonicalMappings> Mappings = new(CanonicalMappings.Load);
    static readonly Lazy<Dictionary<int, int[]>> Compatibility = new(CompatibilityMappings.Load);

    /// <summary>The text in a form; lone surrogates become U+FFFD.</summary>
    public static string Normalize(string text, NormalizationForm form = NormalizationForm.FormC)
    {
        var composes = form is NormalizationForm.FormC or NormalizationForm.FormKC;
        var compatibility = form is NormalizationForm.FormKC or NormalizationForm.FormKD ? Compatibility.Value : null;
        // Nothing below U+0300 composes with what follows unless that is itself at or above U+0300, nothing below U+00C0 decomposes, and
        // nothing below U+00A0 is another character's variant.
        var firstAffected = compatibility != null ? '\u00A0' : composes ? '\u0300' : '\u00C0';
        if (text.AsSpan().IndexOfAnyExceptInRange('\0', (char)(firstAffected - 1)) < 0) return text;
        var mappings = Mappings.Value;
        var points = new List<int>(text.Length + 16);
        foreach (var rune in text.EnumerateRunes())
        {
            if (compatibility != null && compatibility.TryGetValue(rune.Value, out var parts)) points.AddRange(parts);
            else Decompose(mappings, rune.Value, points);
        }
        Order(mappings, CollectionsMarshal.AsSpan(points));
        if (composes) Compose(mappings, points);
        var normalized = new StringBuilder(text.Length);
        foreach (var point in points) normalized.Append(new Rune(point));
        return normalized.ToString();
    }

    static void Decompose(CanonicalMappings mappings, int point, List<int> points)
    {
        var syllable = point - HangulBase;
        if ((uint)syllable < LeadCount * VowelCount * TailCount)
        {
            points.Add(LeadBase + syllable / (VowelCount * TailCount));
            points.Add(VowelBase + syllable / TailCount % VowelCount);
            if (syllable % TailCount > 0) points.Add(TailBase + syllable % TailCount);
        }
        else if (mappings.Decompositions.TryGetValue(point, out var parts))
        {
            Decompose(mappings, parts.First, points);
            if (parts.Second > 0) Decompose(mappings, parts.Second, points);
        }
        else points.Add(point);
    }

    /// <summary>Sorts every run of combining marks by class, keeping the order within a class.</summary>
    static void Order(CanonicalMappings mappings, Span<int> points)
    {
        for (var start = 0; start < points.Length; start++)
        {
            if (mappings.ClassOf(points[start]) == 0) continue;
            var end = start + 1;
            while (end < points.Length && mappings.ClassOf(points[end]) != 0) end++;
            if (end - start > 1)
            {
                var keys = new long[end - start];
                for (var i = 0; i < keys.Length; i++) keys[i] = (long)mappings.ClassOf(points[start + i]) << 32 | (uint)i;
                keys.AsSpan().Sort(points[start..end]);
            }
            start = end;
        }
    }

    static void Compose(CanonicalMappings mappings, List<int> points)
    {
        int count = 0, starter = -1, lastClass = 0;
        for (var i = 0; i < points.Count; i++)
        {
            var point = points[i];
            var combining = mappings.ClassOf(point);
            if (starter >= 0 && (starter == count - 1 || lastClass < combining) && TryCompose(mappings, points[starter], point, out var composite))
            {
                points[starter] = composite;
                continue;
            }
            if (combining == 0) starter = count;
            lastClass = combining;
            points[count++] = point;
        }
        points.RemoveRange(count, points.Count - count);
    }

    static bool TryCompose(CanonicalMappings mappings, int first, int second, out int composite)
    {
        int lead = first - LeadBase, vowel = second - VowelBase, syllable = first - HangulBase, tail = second - TailBase;
        if ((uint)lead < LeadCount && (uint)vowel < VowelCount)
        {
            composite = HangulBase + (lead * VowelCount + vowel) * TailCount;
            return true;
        }
        if ((uint)syllable < LeadCount * VowelCount * TailCount && syllable % TailCount == 0 && tail is > 0 and < TailCount)
        {
            composite = first + tail;
            return true;
        }
        return mappings.Compositions.TryGetValue((first, second), out composite);
    }
}

using PeaEngine.Train.Data;

namespace PeaEngine.Cli;

/// <summary>Says which samples were left out.</summary>
static class DroppedText
{
    /// <summary>Such as <c>; dropped 3 NoCaption, 1 Damaged</c>; nothing where all were taken.</summary>
    public static string Of(IReadOnlyDictionary<DropReason, long> dropped) =>
        dropped.Count == 0 ? "" : $"; dropped {string.Join(", ", dropped.OrderBy(reason => reason.Key).Select(reason => $"{reason.Value} {reason.Key}"))}";
}

using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace PeaEngine.Train.Config;

/// <summary>Reads one YAML document of scalars, lists and mappings; anchors, aliases and tags, which a configuration needs none of, are refused.</summary>
sealed class YamlReader
{
    const int MostLevels = 16;

    readonly Parser parser;
    readonly string place;

    YamlReader(string text, string place) => (parser, this.place) = (new Parser(new StringReader(text)), place);

    /// <summary>The document's value; null for an empty document.</summary>
    /// <param name="text">YAML.</param>
    /// <param name="place">Where it is from, for messages.</param>
    /// <exception cref="PeaException">It is no YAML, or more than a configuration may have.</exception>
    public static YamlNode? Read(string text, string place)
    {
        var reader = new YamlReader(text, place);
        try
        {
            reader.parser.Consume<StreamStart>();
            if (reader.parser.Accept<StreamEnd>(out _)) return null;
            reader.parser.Consume<DocumentStart>();
            var node = reader.Node(1);
            reader.parser.Consume<DocumentEnd>();
            if (!reader.parser.Accept<StreamEnd>(out _)) throw reader.Wrong(reader.parser.Current!, "a second document", "one");
            return node;
        }
        catch (YamlException exception)
        {
            throw new PeaException($"{place}:{exception.Start.Line}:{exception.Start.Column}: {exception.Message.ReplaceLineEndings(" ").TrimEnd('.')}, expected YAML", exception);
        }
        catch (InvalidOperationException exception)
        {
            // The parser's answer to some damaged texts, without a place.
            throw new PeaException($"{place}:{reader.parser.Current?.End.Line ?? 1}: broken from here on, expected YAML", exception);
        }
    }

    YamlNode Node(int level)
    {
        if (level > MostLevels) throw Wrong(parser.Current!, $"more than {MostLevels} levels", "fewer");
        if (parser.Accept<NodeEvent>(out var node) && !(node.Anchor.IsEmpty && node.Tag.IsEmpty)) throw Wrong(node, "an anchor or a tag", "a plain value");
        if (parser.TryConsume<Scalar>(out var scalar)) return new YamlScalar(scalar.Value, !scalar.IsPlainImplicit, scalar.Start.Line);
        if (parser.TryConsume<SequenceStart>(out var sequence)) return new YamlList(Items(level), sequence.Start.Line);
        if (parser.TryConsume<MappingStart>(out var mapping)) return new YamlMap(Entries(level), mapping.Start.Line);
        throw Wrong(parser.Current!, "an alias", "a plain value");
    }

    List<YamlNode> Items(int level)
    {
        var items = new List<YamlNode>();
        while (!parser.TryConsume<SequenceEnd>(out _)) items.Add(Node(level + 1));
        return items;
    }

    List<(string, YamlNode)> Entries(int level)
    {
        var entries = new List<(string Key, YamlNode)>();
        var keys = new HashSet<string>();
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            var start = parser.Current!;
            if (!parser.TryConsume<Scalar>(out var key)) throw Wrong(start, "a key that is no text", "a name");
            if (!keys.Add(key.Value)) throw Wrong(start, $"key {Formats.Quoted.Of(key.Value)} a second time", "each key once");
            entries.Add((key.Value, Node(level + 1)));
        }
        return entries;
    }

    PeaException Wrong(ParsingEvent at, string what, string expected) => new($"{place}:{at.Start.Line}: {what}, expected {expected}");
}

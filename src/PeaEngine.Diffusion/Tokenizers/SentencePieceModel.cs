namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>What a SentencePiece <c>.model</c> file holds, the protocol buffer ModelProto of sentencepiece_model.proto.</summary>
sealed class SentencePieceModel
{
    const int LongestPiece = 8000;

    readonly List<(ReadOnlyMemory<byte> Text, float Score, PieceKind Kind)> pieces = [];

    SentencePieceModel(string path) => Path = path;

    /// <summary>What a piece is for.</summary>
    public enum PieceKind
    {
        /// <summary>It has a score.</summary>
        Normal = 1,

        /// <summary>It stands for what is no piece.</summary>
        Unknown,

        /// <summary>It is in no text.</summary>
        Control,

        /// <summary>It is found before all others.</summary>
        UserDefined,

        /// <summary>It is not to be used.</summary>
        Unused,

        /// <summary>It stands for a byte of what is no piece.</summary>
        Byte,
    }

    /// <summary>How a text is cut.</summary>
    public enum ModelKind
    {
        /// <summary>By a unigram language model.</summary>
        Unigram = 1,

        /// <summary>By byte-pair encoding.</summary>
        Bpe,
    }

    /// <summary>The file, for messages.</summary>
    public string Path { get; }

    /// <summary>The pieces in the order of their ids: UTF-8, score, kind.</summary>
    public IReadOnlyList<(ReadOnlyMemory<byte> Text, float Score, PieceKind Kind)> Pieces => pieces;

    /// <summary>trainer_spec.model_type</summary>
    public ModelKind Model { get; private set; } = ModelKind.Unigram;

    /// <summary>trainer_spec.byte_fallback</summary>
    public bool ByteFallback { get; private set; }

    /// <summary>trainer_spec.treat_whitespace_as_suffix</summary>
    public bool TreatWhitespaceAsSuffix { get; private set; }

    /// <summary>normalizer_spec.precompiled_charsmap</summary>
    public byte[] PrecompiledCharsmap { get; private set; } = [];

    /// <summary>normalizer_spec.add_dummy_prefix</summary>
    public bool AddDummyPrefix { get; private set; } = true;

    /// <summary>normalizer_spec.remove_extra_whitespaces</summary>
    public bool RemoveExtraWhitespaces { get; private set; } = true;

    /// <summary>normalizer_spec.escape_whitespaces</summary>
    public bool EscapeWhitespaces { get; private set; } = true;

    /// <summary>Reads a file.</summary>
    /// <exception cref="PeaException">It cannot be read, or it is no such model, or one that the library itself refuses, or words or characters are its pieces.</exception>
    public static SentencePieceModel Read(string path)
    {
        var bytes = TokenizerJson.ReadBytes(path);
        var model = new SentencePieceModel(path);
        var reader = new ProtobufReader(path, bytes);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    var length = reader.Bytes().Length;
                    model.AddPiece(bytes.AsMemory(bytes.Length - reader.Left - length, length));
                    break;
                case 2: model.ReadTrainer(reader.Bytes()); break;
                case 3: model.ReadNormalizer(reader.Bytes()); break;
                default: reader.Skip(); break;
            }
        }
        return model.pieces.Count > 0 ? model : throw model.Wrong("no pieces");
    }

    /// <summary>An error about the file.</summary>
    public PeaException Wrong(string what) => new($"{Path}: not a SentencePiece model that can be used: {what}");

    void AddPiece(ReadOnlyMemory<byte> message)
    {
        ReadOnlyMemory<byte> text = default;
        var score = 0f;
        var kind = PieceKind.Normal;
        var reader = new ProtobufReader(Path, message.Span);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    var length = reader.Bytes().Length;
                    text = message.Slice(message.Length - reader.Left - length, length);
                    break;
                case 2: score = reader.Float(); break;
                case 3: kind = (PieceKind)reader.Int(); break;
                default: reader.Skip(); break;
            }
        }
        if (text.Length is 0 or >= LongestPiece) throw Wrong($"piece {pieces.Count} has {text.Length} bytes, expected 1 to {LongestPiece - 1}");
        if (!float.IsFinite(score)) throw Wrong($"piece {pieces.Count} has the score {score}");
        if (!Enum.IsDefined(kind)) throw Wrong($"piece {pieces.Count} is of type {(int)kind}");
        pieces.Add((text, score, kind));
    }

    void ReadTrainer(ReadOnlySpan<byte> message)
    {
        var reader = new ProtobufReader(Path, message);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 3:
                    var type = reader.Int();
                    Model = type is (int)ModelKind.Unigram or (int)ModelKind.Bpe ? (ModelKind)type : throw Wrong($"model_type {type}, expected 1 (unigram) or 2 (BPE)");
                    break;
                case 24: TreatWhitespaceAsSuffix = reader.Bool(); break;
                case 35: ByteFallback = reader.Bool(); break;
                default: reader.Skip(); break;
            }
        }
    }

    void ReadNormalizer(ReadOnlySpan<byte> message)
    {
        var reader = new ProtobufReader(Path, message);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 2: PrecompiledCharsmap = reader.Bytes().ToArray(); break;
                case 3: AddDummyPrefix = reader.Bool(); break;
                case 4: RemoveExtraWhitespaces = reader.Bool(); break;
                case 5: EscapeWhitespaces = reader.Bool(); break;
                default: reader.Skip(); break;
            }
        }
    }
}

namespace PeaEngine.Formats;

/// <summary>One model's configuration and weights, in whatever files they are.</summary>
public interface IModelFiles
{
    /// <summary>The folder or file, for messages.</summary>
    string Path { get; }

    /// <summary>The <c>config.json</c>.</summary>
    /// <exception cref="PeaException">There is none, or it is not a JSON object.</exception>
    JsonConfig Config { get; }

    /// <summary>The class in diffusers or transformers, where the configuration names it.</summary>
    /// <exception cref="PeaException">As for <see cref="Config"/>.</exception>
    string? ClassName => Config.OptionalString("_class_name") ?? Config.Strings("architectures", []).FirstOrDefault();

    /// <summary>Opens the weights under diffusers' and transformers' keys; the caller disposes them.</summary>
    /// <exception cref="PeaException">There are none, or they cannot be opened.</exception>
    ITensorSource OpenWeights();
}

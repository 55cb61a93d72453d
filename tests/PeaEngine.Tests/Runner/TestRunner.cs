using System.Globalization;
using System.Reflection;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace PeaEngine.Tests.Runner;

/// <summary>Runs tests of this assembly in this process by xunit's own executor: theories, fixtures, skips and collections are what they are under <c>dotnet test</c>.</summary>
static class TestRunner
{
    static readonly Assembly Tests = typeof(TestRunner).Assembly;

    /// <summary>The classes that have a test whose full name, <c>Namespace.Class.Method</c>, contains one of the texts.</summary>
    public static IReadOnlyList<Type> Classes(IReadOnlyList<string> texts) =>
        [.. Tests.GetExportedTypes().Where(type => type.GetMethods().Any(method => method.IsDefined(typeof(FactAttribute)) && Contains($"{type.FullName}.{method.Name}", texts)))];

    /// <summary>Runs the tests of some classes.</summary>
    /// <param name="classes">Where they are.</param>
    /// <param name="texts">Their full names contain one of these.</param>
    /// <param name="oneByOne">Whether no two run at the same time.</param>
    /// <param name="report">What is told of them.</param>
    /// <returns>How many cases there were to run.</returns>
    public static int Run(IReadOnlyList<Type> classes, IReadOnlyList<string> texts, bool oneByOne, TestReport report)
    {
        using var framework = new XunitTestFramework(new Sink(_ => { }));
        var cases = new List<ITestCase>();
        using (var discoverer = framework.GetDiscoverer(Reflector.Wrap(Tests)))
            foreach (var type in classes)
            {
                using var found = new ManualResetEventSlim();
                discoverer.Find(type.FullName, includeSourceInformation: false, new Sink(message =>
                {
                    if (message is ITestCaseDiscoveryMessage { TestCase: var test } && Contains($"{type.FullName}.{test.TestMethod.Method.Name}", texts)) cases.Add(test);
                    else if (message is IDiscoveryCompleteMessage) found.Set();
                }), new Options());
                found.Wait();
            }
        using var executor = framework.GetExecutor(Tests.GetName());
        executor.RunTests(cases, report, new Options { ["xunit.execution.DisableParallelization"] = oneByOne, ["xunit.execution.SynchronousMessageReporting"] = true });
        report.Wait();
        return cases.Count;
    }

    static bool Contains(string name, IReadOnlyList<string> texts) => texts.Any(text => name.Contains(text, StringComparison.Ordinal));

    sealed class Sink(Action<IMessageSinkMessage> action) : LongLivedMarshalByRefObject, IMessageSink
    {
        public bool OnMessage(IMessageSinkMessage message)
        {
            action(message);
            return true;
        }
    }

    /// <summary>What xunit is told; it has a default for what is not there.</summary>
    sealed class Options : Dictionary<string, object>, ITestFrameworkDiscoveryOptions, ITestFrameworkExecutionOptions
    {
        public TValue GetValue<TValue>(string name) =>
            TryGetValue(name, out var value) ? (TValue)Convert.ChangeType(value, Nullable.GetUnderlyingType(typeof(TValue)) ?? typeof(TValue), CultureInfo.InvariantCulture) : default!;

        public void SetValue<TValue>(string name, TValue value) => this[name] = value!;
    }
}

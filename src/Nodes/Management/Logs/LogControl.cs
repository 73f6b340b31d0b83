using System.Collections.Concurrent;

namespace RagCluster.Nodes.Management.Logs;

/// <summary>What is logged, as it can be changed while the node runs. A restart has the configured level again.</summary>
internal sealed class LogControl(LogLevel configured) : IDisposable
{
    /// <summary>What says a lot at any level, and where it begins.</summary>
    private static readonly (string Category, LogLevel Least)[] s_quiet =
    [
        ("Microsoft.AspNetCore", LogLevel.Warning),
        ("Microsoft.Hosting", LogLevel.Warning),

        // What keeps the node from starting is told by the command, in one line.
        ("Microsoft.Extensions.Hosting", LogLevel.None),
    ];

    private const int MaxCategories = 100;

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, LogLevel> _categories = new(StringComparer.Ordinal);

    /// <summary>What holds for a category, worked out once; there are as many as there are loggers.</summary>
    private readonly ConcurrentDictionary<string, LogLevel> _levels = new(StringComparer.Ordinal);
    private volatile int _level = (int)configured;

    public LogTail Tail { get; } = new();

    public LogLevel Level => (LogLevel)_level;

    /// <summary>Levels of categories and what is below them, such as "RagCluster.Kernel".</summary>
    public IReadOnlyDictionary<string, LogLevel> Categories
    {
        get
        {
            lock (_gate)
            {
                return new Dictionary<string, LogLevel>(_categories);
            }
        }
    }

    public void AddTo(ILoggingBuilder logging)
    {
        logging.SetMinimumLevel(LogLevel.Trace);
        logging.AddFilter((_, category, level) => IsEnabled(category ?? "", level));
        logging.Services.AddSingleton<ILoggerProvider>(new Borrowed(Tail));
    }

    /// <param name="category">Null: everything that has no level of its own.</param>
    /// <param name="level">Null takes the category's own level away, or brings back the configured one.</param>
    /// <exception cref="ArgumentException">Too many categories have a level of their own.</exception>
    public void Set(string? category, LogLevel? level)
    {
        lock (_gate)
        {
            if (category is null)
            {
                _level = (int)(level ?? configured);
            }
            else if (level is null)
            {
                _categories.Remove(category);
            }
            else if (_categories.Count >= MaxCategories && !_categories.ContainsKey(category))
            {
                throw new ArgumentException($"{MaxCategories} categories have a level of their own already.");
            }
            else
            {
                _categories[category] = level.Value;
            }

            _levels.Clear();
        }
    }

    public bool IsEnabled(string category, LogLevel level) =>
        level >= (_levels.TryGetValue(category, out var least) ? least : _levels.GetOrAdd(category, LevelOf)) && level != LogLevel.None;

    public void Dispose() => Tail.Dispose();

    private LogLevel LevelOf(string category)
    {
        lock (_gate)
        {
            // The longest name that it is below of.
            var own = _categories.Where(entry => IsBelow(category, entry.Key)).OrderByDescending(entry => entry.Key.Length).Select(entry => (LogLevel?)entry.Value).FirstOrDefault();
            return own ?? s_quiet.Where(quiet => IsBelow(category, quiet.Category)).Select(quiet => (LogLevel)Math.Max((int)quiet.Least, _level)).FirstOrDefault(Level);
        }
    }

    private static bool IsBelow(string category, string name) =>
        category.StartsWith(name, StringComparison.Ordinal) && (category.Length == name.Length || category[name.Length] == '.');

    /// <summary>Several logger factories of a node share the tail, which outlives each of them.</summary>
    private sealed class Borrowed(LogTail tail) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => tail.CreateLogger(categoryName);

        public void Dispose()
        {
        }
    }
}

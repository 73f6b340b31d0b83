using System.CommandLine;
using System.Text.Json;
using RagCluster.Nodes.Benchmarks;
using RagCluster.Nodes.Benchmarks.Inference;
using RagCluster.Nodes.Benchmarks.Retrieval;

namespace RagCluster.Nodes.Commands;

/// <summary>ragcluster bench: what this program reaches on this machine, beside what it should.</summary>
internal static class BenchCommand
{
    private static readonly Option<int?> s_rounds = Count("--rounds", "How often to measure; the median is told.");

    public static Command Create(CommonOptions common) =>
        new("bench", "Measures the program on this machine. Uses a temporary folder in the data folder and nothing of yours.")
        {
            Kernel(common),
            Store(common),
            Cluster(common),
            Transport(common),
            Ingest(common),
            Kafka(common),
            Chat(common),
            Node(common),
            Retrieval(common),
            Inference(common),
        };

    private static Command Kernel(CommonOptions common)
    {
        var messages = Count("--messages", "Messages told in a round.");
        var actors = Count("--actors", "Actors spawned in a round.");
        var command = new Command("kernel", "Actors: tell, ask, spawn, memory.") { s_rounds, messages, actors };
        command.SetAction((result, cancellationToken) => RunAsync("kernel", common, result, (recorder, _) =>
        {
            var options = new KernelBenchmarkOptions();
            return KernelBenchmark.RunAsync(
                options with
                {
                    Messages = result.GetValue(messages) ?? options.Messages,
                    Actors = result.GetValue(actors) ?? options.Actors,
                    Rounds = result.GetValue(s_rounds) ?? options.Rounds,
                },
                recorder,
                cancellationToken);
        }));
        return command;
    }

    private static Command Store(CommonOptions common)
    {
        var entities = Count("--entities", "Entities that write at once.");
        var events = Count("--events", "Events written in a round.");
        var shards = Count("--shards", "Logs that they are spread over. Default: 16, and 64 on PostgreSQL.");
        var lanes = Count("--lanes", "Statements under way at once, 1 to 4; PostgreSQL only.");
        var engine = new Option<string>("--store") { Description = "sqlite, or postgres.", DefaultValueFactory = _ => "sqlite" };
        engine.AcceptOnlyFromAmong("sqlite", "postgres");
        var connection = new Option<string?>("--connection") { Description = "Of PostgreSQL, such as \"Host=/var/run/postgresql;Username=postgres\"; each round makes a schema of its own and drops it. Default: store.postgres.connection." };
        var command = new Command("store", "The journal: events made durable, recovery.") { s_rounds, entities, events, shards, engine, connection, lanes };
        command.SetAction((result, cancellationToken) => RunAsync("store", common, result, (recorder, folder) =>
        {
            var options = new StoreBenchmarkOptions();
            options = options with
            {
                Entities = result.GetValue(entities) ?? options.Entities,
                Events = result.GetValue(events) ?? options.Events,
                Rounds = result.GetValue(s_rounds) ?? options.Rounds,
                Shards = result.GetValue(shards) ?? (result.GetValue(engine) == "postgres" ? 64 : options.Shards),
            };
            BenchmarkStore store = result.GetValue(engine) == "postgres"
                ? new PostgresBenchmarkStore(
                    result.GetValue(connection) ?? common.Load(result).Options.Store.Postgres.Connection
                        ?? throw new CommandException("To measure PostgreSQL, name one: --connection \"Host=...;Username=...\"."),
                    result.GetValue(lanes) ?? 1)
                : new SqliteBenchmarkStore(folder);
            return new StoreBenchmark(options, store, recorder).RunAsync(cancellationToken);
        }));
        return command;
    }

    private static Command Transport(CommonOptions common)
    {
        var messages = Count("--messages", "Small messages streamed in a round.");
        var bytes = Count("--bytes", "Bytes of such a message.");
        var command = new Command("transport", "Messages between two nodes over loopback.") { s_rounds, messages, bytes };
        command.SetAction((result, cancellationToken) => RunAsync("transport", common, result, (recorder, _) =>
        {
            var options = new TransportBenchmarkOptions();
            options = options with
            {
                Messages = result.GetValue(messages) ?? options.Messages,
                MessageBytes = result.GetValue(bytes) ?? options.MessageBytes,
                Rounds = result.GetValue(s_rounds) ?? options.Rounds,
            };
            return new TransportBenchmark(options, recorder).RunAsync(cancellationToken);
        }));
        return command;
    }

    private static Command Cluster(CommonOptions common)
    {
        var asks = Count("--asks", "Commands asked one after another in a round.");
        var events = Count("--events", "Events streamed in a round.");
        var command = new Command("cluster", "Two nodes over loopback: asking, streaming, leaving, dying.") { s_rounds, asks, events };
        command.SetAction((result, cancellationToken) => RunAsync("cluster", common, result, (recorder, _) =>
        {
            var options = new ClusterBenchmarkOptions();
            options = options with
            {
                Asks = result.GetValue(asks) ?? options.Asks,
                Events = result.GetValue(events) ?? options.Events,
                Rounds = result.GetValue(s_rounds) ?? options.Rounds,
            };
            return new ClusterBenchmark(options, recorder).RunAsync(cancellationToken);
        }));
        return command;
    }

    private static Command Ingest(CommonOptions common)
    {
        var corpus = CorpusFile();
        var documents = Count("--documents", "How many of the corpus's documents to take in.");
        var command = new Command("ingest", "A node from an empty folder to a searchable corpus, and its return.") { s_rounds, corpus, documents };
        command.SetAction((result, cancellationToken) => RunAsync("ingest", common, result, (recorder, folder) =>
        {
            var options = new IngestBenchmarkOptions { Corpus = Load(result.GetValue(corpus), result.GetValue(documents)) };
            return new IngestBenchmark(options with { Rounds = result.GetValue(s_rounds) ?? options.Rounds }, recorder, folder).RunAsync(cancellationToken);
        }));
        return command;
    }

    private static Command Kafka(CommonOptions common)
    {
        var documents = Count("--documents", "Documents of 1 KB in the topic.");
        var kill = Count("--kill-every", "Seconds after which the node is killed and started again, while it reads.");
        var command = new Command("kafka", "A node from a Kafka topic to a searchable corpus, with brokers of its own.") { s_rounds, documents, kill };
        command.SetAction((result, cancellationToken) => RunAsync("kafka", common, result, (recorder, folder) =>
        {
            var options = new KafkaBenchmarkOptions();
            options = options with
            {
                Documents = result.GetValue(documents) ?? options.Documents,
                KillEvery = result.GetValue(kill) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
                Rounds = result.GetValue(s_rounds) ?? options.Rounds,
            };
            return new KafkaBenchmark(options, recorder, folder).RunAsync(cancellationToken);
        }));
        return command;
    }

    private static Command Chat(CommonOptions common)
    {
        var corpus = CorpusFile();
        var documents = Count("--documents", "How many of the corpus's documents to take in.");
        var questions = new Option<string?>("--questions") { Description = "JSON lines with a \"text\" or \"question\" each. Default: the corpus's titles.", HelpName = "FILE" };
        var clients = Count("--clients", "Connections that ask at once.");
        var seconds = Count("--seconds", "How long a round lasts.");
        var command = new Command("chat", "Questions over WebSocket from several clients at once.") { s_rounds, corpus, documents, questions, clients, seconds };
        command.SetAction((result, cancellationToken) => RunAsync("chat", common, result, (recorder, folder) =>
        {
            var loaded = Load(result.GetValue(corpus), result.GetValue(documents));
            var options = new ChatBenchmarkOptions
            {
                Corpus = loaded,
                Questions = result.GetValue(questions) is { } file ? Corpus.ReadQuestions(file) : [.. loaded.Entries.Select(e => e.Question)],
            };
            options = options with
            {
                Clients = result.GetValue(clients) ?? options.Clients,
                Duration = result.GetValue(seconds) is { } given ? TimeSpan.FromSeconds(given) : options.Duration,
                Rounds = result.GetValue(s_rounds) ?? options.Rounds,
            };
            return new ChatBenchmark(options, recorder, folder).RunAsync(cancellationToken);
        }));
        return command;
    }

    private static Command Node(CommonOptions common)
    {
        var conversations = Count("--conversations", "Conversations that there are, most of them not in memory.");
        var live = Count("--live", "Conversations in memory.");
        var command = new Command("node", "The memory of a node with many conversations.") { conversations, live };
        command.SetAction((result, cancellationToken) => RunAsync("node", common, result, (recorder, folder) =>
        {
            var options = new NodeBenchmarkOptions();
            options = options with
            {
                Conversations = result.GetValue(conversations) ?? options.Conversations,
                Live = result.GetValue(live) ?? options.Live,
            };
            return new NodeBenchmark(options, recorder, folder).RunAsync(cancellationToken);
        }));
        return command;
    }

    private static Command Retrieval(CommonOptions common)
    {
        var vectors = new Option<string?>("--vectors") { Description = "A file of vectors (fvecs). Default: vectors made for this.", HelpName = "FILE" };
        var queries = new Option<string?>("--queries") { Description = "A file of vectors to search for (fvecs). Default: query.fvecs beside the other.", HelpName = "FILE" };
        var count = Count("--count", "How many vectors to make where no file is given.");
        var threads = Count("--threads", "Threads that build the graph the second time; 1 builds it once.");
        var part = new Option<string>("--part") { Description = "words, vectors or both.", DefaultValueFactory = _ => "both" };
        part.AcceptOnlyFromAmong("words", "vectors", "both");
        var corpus = new Option<string?>("--corpus") { Description = "A folder of corpus.jsonl and queries.jsonl to search by words. Default: texts made for this.", HelpName = "FOLDER" };
        var documents = Count("--documents", "How many texts to make, or to take of the corpus.");
        var command = new Command("retrieval", "Searching in this process: words, and vectors by scan and by graph, recall against speed.")
        {
            s_rounds, part, corpus, documents, vectors, queries, count, threads,
        };
        command.SetAction((result, cancellationToken) => RunAsync("retrieval", common, result, async (recorder, folder) =>
        {
            var words = new WordBenchmarkOptions { Folder = result.GetValue(corpus), Documents = result.GetValue(documents) };
            if (result.GetValue(part) != "vectors")
            {
                await new WordBenchmark(words with { Rounds = result.GetValue(s_rounds) ?? words.Rounds }, recorder, folder).RunAsync(cancellationToken);
            }

            if (result.GetValue(part) == "words")
            {
                return;
            }

            var options = new VectorBenchmarkOptions { File = result.GetValue(vectors), QueryFile = result.GetValue(queries) };
            options = options with
            {
                Count = result.GetValue(count) ?? options.Count,
                Threads = result.GetValue(threads) ?? options.Threads,
                Rounds = result.GetValue(s_rounds) ?? options.Rounds,
            };
            await new VectorBenchmark(options, recorder, folder).RunAsync(cancellationToken);
        }));
        return command;
    }

    private static Command Inference(CommonOptions common)
    {
        var part = new Option<string>("--part") { Description = "overhead, batching, fairness, failover or all.", DefaultValueFactory = _ => "all" };
        part.AcceptOnlyFromAmong("overhead", "batching", "fairness", "failover", "all");
        var standIn = new Option<string?>("--stand-in") { Description = "The program that stands in for a model server. Default: tests/InferenceStandIn, as built.", HelpName = "FILE" };
        var seconds = Count("--seconds", "How long a measurement lasts.");
        var command = new Command("inference", "The way to a model server and back: what it costs, what batches gain, fairness, an endpoint's death.") { s_rounds, part, standIn, seconds };
        command.SetAction((result, cancellationToken) => RunAsync("inference", common, result, (recorder, folder) =>
        {
            var options = new InferenceBenchmarkOptions { Part = result.GetValue(part)!, StandIn = result.GetValue(standIn) };
            return new InferenceBenchmark(
                options with
                {
                    Length = result.GetValue(seconds) is { } given ? TimeSpan.FromSeconds(given) : options.Length,
                    Rounds = result.GetValue(s_rounds) ?? options.Rounds,
                },
                recorder,
                folder).RunAsync(cancellationToken);
        }));
        return command;
    }

    private static async Task<int> RunAsync(string benchmark, CommonOptions common, ParseResult result, Func<Recorder, TemporaryFolder, Task> run)
    {
        var recorder = new Recorder(Console.Error);
        using var folder = new TemporaryFolder(common.Load(result).Options.DataFolder);
        var at = TimeProvider.System.GetUtcNow();
        try
        {
            await run(recorder, folder);
        }
        catch (Exception e) when (e is InvalidDataException or System.Net.WebSockets.WebSocketException)
        {
            // What was measured is not what was meant to be measured: no figures.
            throw new CommandException(e.Message);
        }

        var found = new BenchmarkResult(benchmark, at, MachineReader.Read(), recorder.Settings, recorder.Figures());
        if (result.GetValue(common.Json))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(found, BenchmarkJson.Default.BenchmarkResult));
        }
        else
        {
            ResultTable.Write(Console.Out, found);
        }

        return ExitCodes.Success;
    }

    private static Corpus Load(string? file, int? documents)
    {
        try
        {
            return file is null
                ? GeneratedCorpus.Make(documents ?? GeneratedCorpus.Size)
                : Corpus.Read(file).Take(documents ?? int.MaxValue);
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(e.Message, ExitCodes.Usage);
        }
    }

    private static Option<string?> CorpusFile() =>
        new("--corpus") { Description = "JSON lines of {\"id\", \"title\", \"text\"}, a document each. Default: a corpus made for this.", HelpName = "FILE" };

    private static Option<int?> Count(string name, string description)
    {
        var option = new Option<int?>(name) { Description = description, HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 1)
            {
                result.AddError($"{name} is a whole number of at least 1.");
            }
        });
        return option;
    }
}

using Microsoft.Extensions.Logging.Console;
using RagCluster.Configuration.Options;
using RagCluster.Nodes.Management.Logs;

namespace RagCluster.Nodes.Hosting;

/// <summary>Where the log goes: standard error always, so that standard output is the command's own.</summary>
internal static class Logging
{
    /// <summary>As configured, for a node that serves; what is logged can be changed while it does.</summary>
    public static Action<ILoggingBuilder> AsConfigured(LogOptions options, LogControl control) => logging =>
    {
        control.AddTo(logging);
        Console(logging, options.Format);
    };

    /// <summary>For a node that lives for one command: its user wants the command's result.</summary>
    public static void ToErrorsOnly(ILoggingBuilder logging)
    {
        logging.SetMinimumLevel(Microsoft.Extensions.Logging.LogLevel.Error);
        Console(logging, LogFormat.Text);
    }

    private static void Console(ILoggingBuilder logging, LogFormat format)
    {
        logging.AddConsole(console =>
        {
            console.LogToStandardErrorThreshold = Microsoft.Extensions.Logging.LogLevel.Trace;
            console.FormatterName = format == LogFormat.Json ? ConsoleFormatterNames.Json : ConsoleFormatterNames.Simple;
        });
        if (format == LogFormat.Json)
        {
            logging.AddJsonConsole(json => json.UseUtcTimestamp = true);
        }
        else
        {
            logging.AddSimpleConsole(simple =>
            {
                simple.SingleLine = true;
                simple.TimestampFormat = "HH:mm:ss.fff ";
            });
        }
    }
}

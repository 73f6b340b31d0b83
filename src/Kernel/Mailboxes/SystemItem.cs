namespace RagCluster.Kernel.Mailboxes;

/// <summary>Something that overtakes user messages: stop, restart, a watched actor's end, a timer's tick. One object, posted once.</summary>
internal abstract class SystemItem
{
    internal SystemItem? Next;
}

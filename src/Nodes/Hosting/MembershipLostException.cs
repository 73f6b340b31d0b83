namespace RagCluster.Nodes.Hosting;

/// <summary>The node is no member of its cluster any more, or did not become one; started anew it may.</summary>
internal sealed class MembershipLostException(string reason, Exception? cause = null)
    : Exception($"This node is no member of the cluster and stops: {reason} Nothing that it acknowledged is lost. A supervisor starts it anew.", cause);

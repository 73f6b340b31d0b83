namespace RagCluster.Kernel;

/// <summary>An actor of this process, which can be watched, stopped and asked.</summary>
public interface ILocalActorRef : IActorRef
{
    ActorSystem System { get; }
}

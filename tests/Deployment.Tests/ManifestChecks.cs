using System.Globalization;
using System.Text.Json.Nodes;
using RagCluster.Configuration;

namespace RagCluster.Deployment.Tests;

/// <summary>What must hold of rendered manifests. Each check says what is wrong, and nothing where all is well.</summary>
internal static class ManifestChecks
{
    /// <summary>Labels that operators give to pods of theirs.</summary>
    private static readonly string[] s_operators = ["strimzi.io/cluster", "cnpg.io/cluster"];

    public static readonly IReadOnlyDictionary<string, Func<Manifests, IEnumerable<string>>> All = new Dictionary<string, Func<Manifests, IEnumerable<string>>>
    {
        [nameof(Selectors)] = Selectors,
        [nameof(Ports)] = Ports,
        [nameof(Targets)] = Targets,
        [nameof(Peers)] = Peers,
        [nameof(Probes)] = Probes,
        [nameof(Variables)] = Variables,
        [nameof(Quantities)] = Quantities,
        [nameof(Rights)] = Rights,
        [nameof(Mounts)] = Mounts,
        [nameof(Termination)] = Termination,
        [nameof(Roles)] = Roles,
        [nameof(Images)] = Images,
    };

    /// <summary>Whatever selects pods selects some, and a workload its own.</summary>
    public static IEnumerable<string> Selectors(Manifests manifests)
    {
        foreach (var workload in manifests.Workloads.Where(workload => workload.Resource["kind"]!.ToString() != "Job"))
        {
            if (!Matches(workload.Resource.At("spec.selector"), workload.Labels))
            {
                yield return $"{workload.Name}: its selector does not match its own pods.";
            }
        }

        foreach (var (kind, path) in new[] { ("Service", "spec.selector"), ("PodDisruptionBudget", "spec.selector"), ("NetworkPolicy", "spec.podSelector") })
        {
            foreach (var resource in manifests.Of(kind).Where(resource => resource.At(path) is JsonObject { Count: > 0 }))
            {
                if (!manifests.Workloads.Any(workload => Matches(resource.At(path), workload.Labels)))
                {
                    yield return $"{kind} {resource.Text("metadata.name")} selects no pod.";
                }
            }
        }

        foreach (var monitor in manifests.Of("ServiceMonitor"))
        {
            if (!manifests.Of("Service").Any(service => Matches(monitor.At("spec.selector"), service.At("metadata.labels"))))
            {
                yield return $"ServiceMonitor {monitor.Text("metadata.name")} selects no service.";
            }
        }
    }

    /// <summary>A port that is named or numbered somewhere is one that a container of the selected pods has.</summary>
    public static IEnumerable<string> Ports(Manifests manifests)
    {
        foreach (var service in manifests.Of("Service"))
        {
            var behind = manifests.Workloads.Where(workload => Matches(service.At("spec.selector"), workload.Labels)).ToArray();
            foreach (var port in service.Items("spec.ports").Select(port => port.Text("targetPort") ?? port.Text("port")))
            {
                foreach (var workload in behind.Where(workload => !workload.HasPort(port)))
                {
                    yield return $"Service {service.Text("metadata.name")} goes to port {port}, which {workload.Name} has not.";
                }
            }
        }

        foreach (var workload in manifests.Workloads)
        {
            foreach (var probe in workload.Containers.SelectMany(ProbesOf).Where(probe => !workload.HasPort(probe.Text("httpGet.port"))))
            {
                yield return $"{workload.Name}: a probe asks port {probe.Text("httpGet.port")}, which it has not.";
            }
        }

        foreach (var policy in manifests.Of("NetworkPolicy"))
        {
            var inside = manifests.Workloads.Where(workload => Matches(policy.At("spec.podSelector"), workload.Labels)).ToArray();
            foreach (var port in policy.Items("spec.ingress").SelectMany(rule => rule.Items("ports")).Select(port => port.Text("port")))
            {
                if (inside.Length > 0 && !inside.Any(workload => workload.HasPort(port)))
                {
                    yield return $"NetworkPolicy {policy.Text("metadata.name")} lets in to port {port}, which no pod of it has.";
                }
            }
        }

        foreach (var monitor in manifests.Of("ServiceMonitor"))
        {
            var services = manifests.Of("Service").Where(service => Matches(monitor.At("spec.selector"), service.At("metadata.labels"))).ToArray();
            foreach (var endpoint in monitor.Items("spec.endpoints").Where(endpoint => !services.Any(service => HasPort(service, endpoint.Text("port")))))
            {
                yield return $"ServiceMonitor {monitor.Text("metadata.name")} scrapes port {endpoint.Text("port")}, which no service of it has.";
            }
        }
    }

    /// <summary>The pods that a policy lets in or out to are there, or are an operator's.</summary>
    public static IEnumerable<string> Peers(Manifests manifests) =>
        from policy in manifests.Of("NetworkPolicy")
        from rule in policy.Items("spec.ingress").SelectMany(rule => rule.Items("from")).Concat(policy.Items("spec.egress").SelectMany(rule => rule.Items("to")))
        where rule["podSelector"] is not null
            && !manifests.Workloads.Any(workload => Matches(rule["podSelector"], workload.Labels))
            && !rule.Entries("podSelector.matchLabels").All(label => s_operators.Contains(label.Key))
        select $"NetworkPolicy {policy.Text("metadata.name")} speaks of pods that are not there: {rule["podSelector"]!.ToJsonString()}.";

    /// <summary>What names another resource names one that is there.</summary>
    public static IEnumerable<string> Targets(Manifests manifests)
    {
        foreach (var scaler in manifests.Of("HorizontalPodAutoscaler").Concat(manifests.Of("ScaledObject")))
        {
            var kind = scaler.Text("spec.scaleTargetRef.kind")!;
            var name = scaler.Text("spec.scaleTargetRef.name")!;
            if (manifests.Find(kind, name) is null)
            {
                yield return $"{scaler.Text("kind")} {scaler.Text("metadata.name")} scales {kind} {name}, which is not there.";
            }
        }

        foreach (var backend in manifests.Of("Ingress").SelectMany(ingress => ingress.Items("spec.rules")).SelectMany(rule => rule.Items("http.paths")))
        {
            var service = manifests.Find("Service", backend.Text("backend.service.name")!);
            if (service is null || !HasPort(service, backend.Text("backend.service.port.name") ?? backend.Text("backend.service.port.number")))
            {
                yield return $"The ingress sends {backend.Text("path")} to service {backend.Text("backend.service.name")}, which is not there or has no such port.";
            }
        }

        foreach (var set in manifests.Of("StatefulSet").Where(set => manifests.Find("Service", set.Text("spec.serviceName") ?? "") is null))
        {
            yield return $"StatefulSet {set.Text("metadata.name")} is of service {set.Text("spec.serviceName")}, which is not there.";
        }

        foreach (var workload in manifests.Workloads)
        {
            if (workload.Pod.Text("serviceAccountName") is { } account && manifests.Find("ServiceAccount", account) is null)
            {
                yield return $"{workload.Name} runs as {account}, which is not there.";
            }
        }
    }

    /// <summary>A probe of a node asks a route that the management port really has.</summary>
    public static IEnumerable<string> Probes(Manifests manifests)
    {
        foreach (var workload in manifests.Workloads)
        {
            foreach (var node in workload.Nodes.Where(node => node.Items("ports").Any()))
            {
                foreach (var kind in new[] { "startupProbe", "livenessProbe", "readinessProbe" })
                {
                    var path = node.Text($"{kind}.httpGet.path");
                    if (path is null || node.Text($"{kind}.httpGet.port") != "management" || !ManagementRoutes.Has(path))
                    {
                        yield return $"{workload.Name}: {kind} asks {path ?? "nothing"}, which is no route of the management port.";
                    }
                }
            }
        }
    }

    /// <summary>Every node's configuration is one that it starts with: known keys, valid values, ports that are those of the container.</summary>
    public static IEnumerable<string> Variables(Manifests manifests)
    {
        foreach (var workload in manifests.Workloads)
        {
            foreach (var node in workload.Containers.Where(Workload.IsNode))
            {
                RagClusterConfiguration? settings = null;
                var wrong = "";
                try
                {
                    settings = NodeSettings.Load(manifests, workload, node);
                }
                catch (InvalidConfigurationException e)
                {
                    wrong = e.Message;
                }

                if (settings is null)
                {
                    yield return $"{workload.Name}: {wrong}";
                    continue;
                }

                foreach (var (name, port) in new[] { ("http", settings.Options.Http.Port), ("cluster", settings.Options.Cluster.Port), ("management", settings.Options.Management.Port) })
                {
                    if (node.Items("ports").FirstOrDefault(known => known.Text("name") == name) is { } known && known.Text("containerPort") != port.ToString(CultureInfo.InvariantCulture))
                    {
                        yield return $"{workload.Name}: the node listens for {name} on {port}, and the container says {known.Text("containerPort")}.";
                    }
                }

                if (settings.Options.Cluster.Discovery.Name is { } peers && manifests.Find("Service", peers.Split('.')[0]) is null)
                {
                    yield return $"{workload.Name}: peers are looked up as {peers}, and there is no such service.";
                }
            }
        }
    }

    /// <summary>Amounts are of Kubernetes' grammar, every container says what it needs, and no request is above its limit.</summary>
    public static IEnumerable<string> Quantities(Manifests manifests)
    {
        foreach (var workload in manifests.Workloads)
        {
            foreach (var container in workload.Containers)
            {
                if (container.At("resources.requests.cpu") is null || container.At("resources.requests.memory") is null || container.At("resources.limits.memory") is null)
                {
                    yield return $"{workload.Name}: {container.Text("name")} does not say how much it needs and may have.";
                }

                foreach (var (resource, amount) in container.Entries("resources.requests"))
                {
                    if (container.At("resources.limits") is JsonObject limits && limits[resource] is { } limit && Quantity.Parse(amount) is { } asked && Quantity.Parse(limit) is { } most && asked > most)
                    {
                        yield return $"{workload.Name}: {container.Text("name")} asks for {amount} of {resource}, above its limit of {limit}.";
                    }
                }
            }

            foreach (var amount in AmountsIn(workload.Resource).Where(amount => Quantity.Parse(amount) is null))
            {
                yield return $"{workload.Name}: \"{amount}\" is no quantity.";
            }
        }
    }

    /// <summary>Nothing runs as root or can become it, nothing sees the machine, and our own nodes cannot write but where they must.</summary>
    public static IEnumerable<string> Rights(Manifests manifests)
    {
        foreach (var workload in manifests.Workloads)
        {
            if (workload.Pod.Text("securityContext.runAsNonRoot") != "true" || workload.Pod.Text("securityContext.runAsUser") is null or "0")
            {
                yield return $"{workload.Name} may run as root.";
            }

            if (workload.Pod.Text("automountServiceAccountToken") != "false")
            {
                yield return $"{workload.Name} mounts a token of Kubernetes' API, which it does not need.";
            }

            if (new[] { "hostNetwork", "hostPID", "hostIPC" }.Any(key => workload.Pod.Text(key) == "true") || workload.Pod.Items("volumes").Any(volume => volume["hostPath"] is not null))
            {
                yield return $"{workload.Name} reaches into its machine.";
            }

            foreach (var container in workload.Containers)
            {
                var context = container["securityContext"];
                if (context.Text("allowPrivilegeEscalation") != "false" || context.Text("privileged") == "true" || context.Text("runAsUser") == "0"
                    || !(context.At("capabilities.drop") as JsonArray ?? []).Any(capability => capability!.ToString() == "ALL"))
                {
                    yield return $"{workload.Name}: {container.Text("name")} keeps rights that it does not need.";
                }

                if (Workload.IsNode(container) && context.Text("readOnlyRootFilesystem") != "true")
                {
                    yield return $"{workload.Name}: {container.Text("name")} may write to its image's files.";
                }
            }
        }
    }

    /// <summary>What is mounted is there, and a node may write where it keeps data.</summary>
    public static IEnumerable<string> Mounts(Manifests manifests)
    {
        foreach (var workload in manifests.Workloads)
        {
            var volumes = workload.Pod.Items("volumes").Concat(workload.Resource.Items("spec.volumeClaimTemplates").Select(claim => claim["metadata"]!.AsObject()))
                .ToDictionary(volume => volume.Text("name")!, StringComparer.Ordinal);
            foreach (var mount in workload.Containers.SelectMany(container => container.Items("volumeMounts")).Where(mount => !volumes.ContainsKey(mount.Text("name")!)))
            {
                yield return $"{workload.Name} mounts {mount.Text("name")}, which is no volume of it.";
            }

            foreach (var volume in volumes.Values)
            {
                if (volume.Text("configMap.name") is { } map && manifests.Find("ConfigMap", map) is null)
                {
                    yield return $"{workload.Name} mounts the config map {map}, which is not there.";
                }

                if (volume.Text("secret.secretName") is { } secret && manifests.Find("Secret", secret) is null && !Manifests.SecretsMadeElsewhere.Contains(secret))
                {
                    yield return $"{workload.Name} mounts the secret {secret}, which is not there and not documented.";
                }

                if (volume.Text("persistentVolumeClaim.claimName") is { } claim && manifests.Find("PersistentVolumeClaim", claim) is null)
                {
                    yield return $"{workload.Name} mounts the claim {claim}, which is not there.";
                }
            }

            foreach (var node in workload.Containers.Where(Workload.IsNode))
            {
                if (!node.Items("volumeMounts").Any(mount => mount.Text("mountPath") == "/var/lib/ragcluster" && mount.Text("readOnly") != "true"))
                {
                    yield return $"{workload.Name}: {node.Text("name")} has nowhere to keep its data.";
                }
            }
        }
    }

    /// <summary>Kubernetes kills a node only after the node's own budget for its end, and no request fails on the way.</summary>
    public static IEnumerable<string> Termination(Manifests manifests)
    {
        foreach (var workload in manifests.Workloads)
        {
            foreach (var node in workload.Nodes.Where(node => node.Items("ports").Any()))
            {
                var sleep = double.Parse(node.Text("lifecycle.preStop.sleep.seconds") ?? "0", CultureInfo.InvariantCulture);
                var grace = double.Parse(workload.Pod.Text("terminationGracePeriodSeconds") ?? "30", CultureInfo.InvariantCulture);
                var budget = NodeSettings.Load(manifests, workload, node).Options.Kernel.ShutdownTimeout.TotalSeconds;
                if (sleep < 1)
                {
                    yield return $"{workload.Name} ends at once: proxies still send it requests.";
                }

                if (grace <= sleep + budget)
                {
                    yield return $"{workload.Name} is killed after {grace} s, and its end may take {sleep} + {budget} s.";
                }
            }
        }
    }

    /// <summary>Every role has a node, every node is a member that the peers' service lists, and clients get to nodes.</summary>
    public static IEnumerable<string> Roles(Manifests manifests)
    {
        var nodes = manifests.Workloads.Where(workload => workload.Nodes.Any(node => node.Items("ports").Any())).ToArray();
        var roles = nodes.SelectMany(workload => workload.Nodes.SelectMany(node => NodeSettings.Load(manifests, workload, node).Options.Node.Roles)).Select(role => role.ToString()).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var missing in new[] { "conversations", "documents", "partitions" }.Where(role => !roles.Contains(role)))
        {
            yield return $"No node has the role {missing}: none would become ready.";
        }

        foreach (var workload in nodes.Where(workload => !Matches(manifests.Find("Service", "ragcluster-peers").At("spec.selector"), workload.Labels)))
        {
            yield return $"{workload.Name} is not listed among the peers.";
        }
    }

    /// <summary>Images have a version, and it is not "latest".</summary>
    public static IEnumerable<string> Images(Manifests manifests) =>
        from workload in manifests.Workloads
        from container in workload.Containers
        let image = container.Text("image")!
        where !image.Split('/')[^1].Contains(':', StringComparison.Ordinal) || image.EndsWith(":latest", StringComparison.Ordinal)
        select $"{workload.Name}: the image {image} has no version.";

    /// <summary>A selector in any of its two forms against labels. One that is not there matches nothing.</summary>
    public static bool Matches(JsonNode? selector, JsonNode? labels)
    {
        if (selector is not JsonObject known)
        {
            return false;
        }

        if (known["matchLabels"] is null && known["matchExpressions"] is null)
        {
            return known.All(pair => labels.Label(pair.Key) == pair.Value?.ToString());
        }

        return known.Entries("matchLabels").All(pair => labels.Label(pair.Key) == pair.Value?.ToString())
            && known.Items("matchExpressions").All(expression => (expression["values"] as JsonArray ?? []).Any(value => value!.ToString() == labels.Label(expression.Text("key")!)));
    }

    private static bool HasPort(JsonObject service, string? port) => service.Items("spec.ports").Any(known => known.Text("name") == port || known.Text("port") == port);

    private static IEnumerable<JsonNode> ProbesOf(JsonObject container) =>
        new[] { "startupProbe", "livenessProbe", "readinessProbe" }.Select(kind => container[kind]).Where(probe => probe.At("httpGet") is not null).Select(probe => probe!);

    // Label keys have dots: no path.
    private static string? Label(this JsonNode? labels, string key) => (labels as JsonObject)?[key]?.ToString();

    private static IEnumerable<JsonNode> AmountsIn(JsonNode? node) => node switch
    {
        JsonObject known => known.SelectMany(pair => pair.Key is "requests" or "limits" && pair.Value is JsonObject amounts
            ? amounts.Select(amount => amount.Value!)
            : pair.Key == "sizeLimit" ? [pair.Value!] : AmountsIn(pair.Value)),
        JsonArray list => list.SelectMany(AmountsIn),
        _ => [],
    };
}

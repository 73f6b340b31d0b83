#!/usr/bin/env python3
"""Runs Lucene and `ragcluster bench retrieval --part words` on the same texts, one after the other, and prints the ratios.

    bench/peers/lucene/compare.py FOLDER [--documents N] [--rounds N] [--seconds S]

FOLDER holds corpus.jsonl and queries.jsonl. It needs a JDK and Debian's liblucene8-java, and a Release build of src/Nodes
(it does not build, so that a build does not run beside a measurement). Both index and search on one thread; both are
given their queries as text. Absolute figures of a machine that does other things at the time mean little; the ratios
hold if both were disturbed alike, so look at more than one run.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
NODE = HERE.parents[2] / "src/Nodes/bin/Release/net10.0"
JARS = pathlib.Path("/usr/share/java")


def lucene(arguments, folder):
    jars = [next(iter(sorted(JARS.glob(f"{name}-8*.jar")))) for name in ("lucene-core", "lucene-analyzers-common")]
    path = ":".join([*map(str, jars), folder])
    subprocess.run(["javac", "-cp", path, "-d", folder, HERE / "LuceneBench.java"], check=True)
    corpus = pathlib.Path(arguments.folder)
    run = subprocess.run(
        ["java", "-Xmx4g", "-cp", path, "LuceneBench", corpus / "corpus.jsonl", corpus / "queries.jsonl", pathlib.Path(folder) / "index",
         str(arguments.documents), str(arguments.seconds)],
        check=True, capture_output=True, text=True)
    return json.loads(run.stdout)


def ragcluster(arguments, folder):
    program = next(path for path in (NODE / "ragcluster", NODE / "RagCluster.Nodes") if path.exists())
    run = subprocess.run(
        [program, "bench", "retrieval", "--part", "words", "--corpus", arguments.folder, "--documents", str(arguments.documents),
         "--rounds", str(arguments.rounds), "--data", folder, "--json"],
        check=True, capture_output=True, text=True)
    return {figure["name"]: figure["median"] for figure in json.loads(run.stdout)["figures"]}


def row(what, ours, peer, unit):
    print(f"{what:44} {ours:12.4g} {peer:12.4g} {ours / peer:8.2f}  {unit}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--documents", type=int, default=2_000_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        peer = lucene(arguments, folder)
        ours = ragcluster(arguments, folder)
    print(f"{'':44} {'ragcluster':>12} {peer['peer'][:12]:>12} {'ratio':>8}")
    row("indexing", ours["index"], peer["documentsPerSecond"], "documents/s")
    row("index: terms, postings, positions", ours["postings"], peer["indexMB"], "MB")
    row("best ten", ours["search"], peer["queriesPerSecond"], "queries/s")
    row("  median", ours["searchP50"], peer["p50Ms"], "ms")
    row("  99 of 100", ours["searchP99"], peer["p99Ms"], "ms")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Runs hnswlib and `ragcluster bench retrieval` on the same vectors, one after the other, and prints the ratios.

    bench/peers/hnswlib/compare.py BASE.fvecs QUERY.fvecs [--threads N] [--rounds N]

It needs g++ and Debian's libhnswlib-dev, and a Release build of src/Nodes (it does not build, so that a build does not
run beside a measurement). Absolute figures of a machine that does other things at the time mean little; the ratios hold
if both were disturbed alike, so look at more than one run.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

EFS = ["16", "24", "32", "48", "64", "80", "96", "128", "192", "256"]
HERE = pathlib.Path(__file__).resolve().parent
NODE = HERE.parents[2] / "src/Nodes/bin/Release/net10.0"


def speed_at(points, recall):
    """Queries a second at a recall, between the two measured points around it."""
    for low, high in zip(points, points[1:]):
        if low["recall"] <= recall <= high["recall"] and low["recall"] < high["recall"]:
            share = (recall - low["recall"]) / (high["recall"] - low["recall"])
            return low["qps"] + (high["qps"] - low["qps"]) * share
    return None


def hnswlib(arguments, folder):
    driver = pathlib.Path(folder) / "hnswlib_bench"
    subprocess.run(["g++", "-O3", "-march=native", "-std=c++17", "-o", driver, HERE / "hnswlib_bench.cpp", "-lpthread"], check=True)
    run = subprocess.run([driver, arguments.base, arguments.query, str(arguments.threads), *EFS], check=True, capture_output=True, text=True)
    return json.loads(run.stdout)


def ragcluster(arguments, folder):
    program = next(path for path in (NODE / "ragcluster", NODE / "RagCluster.Nodes") if path.exists())
    run = subprocess.run(
        [program, "bench", "retrieval", "--vectors", arguments.base, "--queries", arguments.query,
         "--threads", str(arguments.threads), "--rounds", str(arguments.rounds), "--data", folder, "--json"],
        check=True, capture_output=True, text=True)
    # The best of the rounds, as with hnswlib.
    figures = {figure["name"]: figure for figure in json.loads(run.stdout)["figures"]}
    points = [{"ef": int(ef), "recall": figures[f"recallEf{ef}"]["median"], "qps": figures[f"speedEf{ef}"]["highest"]} for ef in EFS]
    build = figures["buildThreads" if arguments.threads > 1 else "build"]["median"]
    return {"build": build, "bytes": figures["memory"]["median"] * 1e6, "points": points}, figures


def row(what, ours, peer, unit):
    ratio = "" if ours is None or peer is None else f"{ours / peer:8.2f}"
    print(f"{what:44} {'' if ours is None else f'{ours:10.1f}':>10} {'' if peer is None else f'{peer:10.1f}':>10} {ratio:>8}  {unit}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base")
    parser.add_argument("query")
    parser.add_argument("--threads", type=int, default=1, help="threads that build")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        peer = hnswlib(arguments, folder)
        ours, figures = ragcluster(arguments, folder)
    print(f"{'':44} {'ragcluster':>10} {'hnswlib':>10} {'ratio':>8}")
    row(f"build, {arguments.threads} thread(s)", ours["build"], peer["build"], "s")
    row("memory (ours without the vectors)", ours["bytes"] / 1e6, peer["bytes"] / 1e6, "MB")
    for recall in (0.9, 0.95, 0.98, 0.99):
        row(f"queries at recall@10 {recall}", speed_at(ours["points"], recall), speed_at(peer["points"], recall), "1/s")
    for mine, its in zip(ours["points"], peer["points"]):
        row(f"  ef {mine['ef']}: recall {mine['recall']:.4f}, {its['recall']:.4f}", mine["qps"], its["qps"], "1/s")
    for name in ("scan", "scanBatch"):
        row(figures[name]["what"], figures[name]["highest"], None, "1/s")


if __name__ == "__main__":
    main()

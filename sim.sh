#!/usr/bin/env bash
# Simulates whole clusters under seeds: production kernel and actors, everything else simulated.
#   ./sim.sh [--seeds N] [--hours H] [--seed S] [--cores C]   N seeds from S on (default 1,000 from 1), for at most H hours
#   ./sim.sh --replay SEED [--all]                            one seed again, with what broke and the timeline around it (or all of it)
#   ./sim.sh --planted [--seeds N] [--bug NAME]               plants each known bug and tells after how many seeds it is caught
#   ./sim.sh --real [--kills N] [--pauses N] [--rolls N] [--restarts N] [--minutes M]
#                                                             real processes on a PostgreSQL of their own, under the same checkers
set -euo pipefail
cd "$(dirname "$0")"

# Quiet, unless it fails.
build() {
  local said
  said=$(dotnet build "$1/tests/${2:-Simulation}" -c Release -nologo -v quiet -p:RunAnalyzers=false 2>&1) || { echo "$said"; exit 1; }
}

if [ "${1:-}" = --real ]; then
  shift
  build . Cluster.Tests
  exec tests/Cluster.Tests/bin/Release/net10.0/RagCluster.Cluster.Tests soak "$@"
fi

program=tests/Simulation/bin/Release/net10.0/RagCluster.Simulation
build .
case "${1:-}" in
  --replay)
    shift
    exec "$program" replay "$@"
    ;;
  --planted)
    shift
    # A copy of the tree in which every planted bug is there behind a switch: the tree itself never holds one.
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' EXIT
    "$program" plant "$copy"
    build "$copy"
    "$copy/$program" planted "$@"
    ;;
  *)
    exec "$program" run "$@"
    ;;
esac

#!/usr/bin/env bash
# Installs what the tests need, builds, runs every test. The last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")"
dotnet build RagCluster.sln -c Release -nologo -v minimal || { echo "0 passed, 1 failed"; exit 1; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
dotnet test RagCluster.sln -c Release --no-build -nologo --logger "console;verbosity=minimal" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
awk -v status="$status" '
  match($0, /Failed: +[0-9]+/)  { split(substr($0, RSTART, RLENGTH), f, ": +"); failed += f[2] }
  match($0, /Passed: +[0-9]+/)  { split(substr($0, RSTART, RLENGTH), p, ": +"); passed += p[2] }
  END {
    if (status != 0 && failed == 0) { failed = 1 }
    printf "%d passed, %d failed\n", passed, failed
    exit (failed > 0 || passed == 0) ? 1 : 0
  }' "$log"

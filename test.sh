#!/usr/bin/env bash
# Installs what the tests need, builds, runs every test. The last line is "N passed, N failed".
# Arguments go to `dotnet test`, such as --filter FullyQualifiedName~Hocon.
set -uo pipefail
cd "$(dirname "$0")"

have() { command -v "$1" > /dev/null 2>&1; }

# The browser tests need a Chromium; promtool checks metrics, rules and alerts; pdftotext is a second opinion on PDFs; the store's tests start PostgreSQL servers of
# their own; librdkafka speaks Kafka's protocol, on both sides. Tests that miss one of them skip and say so.
install_missing() {
  local packages=()
  have chromium || have chromium-browser || have google-chrome || packages+=(chromium)
  have promtool || packages+=(prometheus)
  have pdftotext || packages+=(poppler-utils)
  have postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres' > /dev/null || packages+=(postgresql)
  ldconfig -p 2> /dev/null | grep -q 'librdkafka\.so\.1' || packages+=(librdkafka1)
  have kcat || packages+=(kcat)
  [ ${#packages[@]} -eq 0 ] && return
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
  if have apt-get && "${as_root[@]}" true 2> /dev/null; then
    echo "Installing for the tests: ${packages[*]}"
    "${as_root[@]}" apt-get update -qq > /dev/null 2>&1
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null 2>&1 \
      || echo "Could not install ${packages[*]}: the tests that need them will be skipped."
  else
    echo "Not installed, and no apt-get with root rights to install them: ${packages[*]}. The tests that need them will be skipped."
  fi
}

install_missing
dotnet build RagCluster.sln -c Release -nologo -v minimal || { echo "0 passed, 1 failed"; exit 1; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# One project after the other: several at once would take the time from each other's deadlines.
dotnet test RagCluster.sln -c Release --no-build -nologo -m:1 --logger "console;verbosity=minimal" "$@" 2>&1 \
  | tee "$log" \
  | grep --line-buffered -vE '^(Test run for |A total of [0-9]+ test files|VSTest version|\s*$)'
status=${PIPESTATUS[0]}

# Each project ends with a line such as "Passed!  - Failed:     0, Passed:     9, Skipped:     0, Total:     9, ...".
# A run that ended badly without a failed test (a crash, a hang) counts as one.
awk -v status="$status" '
  !/^(Passed|Failed|Skipped)! +- / { next }
  match($0, /Failed: +[0-9]+/)  { split(substr($0, RSTART, RLENGTH), f, ": +"); failed += f[2] }
  match($0, /Passed: +[0-9]+/)  { split(substr($0, RSTART, RLENGTH), p, ": +"); passed += p[2] }
  END {
    if (status != 0 && failed == 0) { failed = 1 }
    printf "%d passed, %d failed\n", passed, failed
    exit (failed > 0 || passed == 0) ? 1 : 0
  }' "$log"

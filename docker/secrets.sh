#!/usr/bin/env bash
# Makes the secrets that the compose files mount, once: what is there stays.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p secrets
for name in cluster-secret database-password api-token admin-token management-token monitoring-token grafana-password; do
  [ -e "secrets/$name" ] || head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' > "secrets/$name"
done
# The nodes' user in the container has to read them, and the file system shows them as they are here.
chmod 755 secrets
chmod 644 secrets/*
ls secrets

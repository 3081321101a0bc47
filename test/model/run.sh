#!/usr/bin/env bash
# Runs every check of every model here, one line each; fails if one does. See run.py.
set -uo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" || exit 1
status=0
for model in wait touch select idle poller; do
  ./run.py "$model.pml" || status=1
done
exit "$status"

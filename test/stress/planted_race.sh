#!/usr/bin/env bash
# The thread sanitizer finds a race between two fibers of one worker, and none where a channel orders them.
#
# usage: planted_race.sh PROGRAM      Exit code 77 (skipped) where PROGRAM was built without the thread sanitizer.
set -euo pipefail

program=$1
"$program" sanitized || { echo 'not built with the thread sanitizer'; exit 77; }

# Only what matters here: symbols, for one, are not needed.
export TSAN_OPTIONS='exitcode=66:halt_on_error=0'
for i in 1 2 3 4 5; do
  code=0
  out=$("$program" race 2>&1) || code=$?
  if ((code != 66)) || [[ $out != *'WARNING: ThreadSanitizer: data race'* ]]; then
    printf 'run %s: the planted race was not found (exit code %s)\n%s\n' "$i" "$code" "$out"
    exit 1
  fi
  code=0
  out=$("$program" ordered 2>&1) || code=$?
  if ((code != 0)) || [[ $out != 2 ]]; then
    printf 'run %s: something was found where nothing was planted (exit code %s)\n%s\n' "$i" "$code" "$out"
    exit 1
  fi
done
echo 'the planted race was found, and nothing else'

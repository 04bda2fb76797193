#!/usr/bin/env bash
# Fuzzes every decoder (tests/fuzz) with clang 16's libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer,
# on all cores, and prints a table. Exit code 1 when anything was found; its input is then kept as
# tests/fuzz/corpus/NAME/crash-… and the line to replay it is printed.
# Builds into ./build-fuzz (or $BUILD_DIR). Installs clang-16 and its run-time libraries first, which nothing else needs.
#
#   scripts/fuzz.sh MINUTES             all fuzzers, each its share of MINUTES
#   scripts/fuzz.sh MINUTES NAME...     only these (nic_frame, bep_index, …)
#   scripts/fuzz.sh --keep [NAME...]    no fuzzing: puts the smallest set of inputs found so far into tests/fuzz/corpus
#   scripts/fuzz.sh --list              the names
set -euo pipefail
cd "$(dirname "$0")/.."
build=${BUILD_DIR:-build-fuzz}
say() { printf 'fuzz: %s\n' "$*"; }
case "${1:-}" in
  "" | -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; [ $# -gt 0 ] && exit 0 || exit 2 ;;
  --list) exec /usr/bin/python3 scripts/fuzz.py --list ;;
esac

scripts/setup.sh
scripts/setup.sh --fuzz

mkdir -p "$build"
log=$build/build.log
if [ ! -f "$build/build.ninja" ]; then
  fresh=()
  [ -f "$build/meson-private/coredata.dat" ] && fresh=(--wipe)
  # Warnings are the ordinary build's business: clang has others, and system headers' are ours to neither see nor mend.
  if ! PATH=/usr/bin:$PATH CXX='ccache clang++-16' meson setup "${fresh[@]}" -Dfuzz=true -Dchecked=true \
       -Dbench=false -Dwerror=false -Dwarning_level=0 "$build" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    exit 1
  fi
fi
if ! PATH=/usr/bin:$PATH ninja -C "$build" fuzzers >"$log" 2>&1; then
  grep -E -A12 'FAILED|error' "$log" | tail -n 60 >&2 || tail -n 60 "$log" >&2
  exit 1
fi
say "built into $build"
exec /usr/bin/python3 scripts/fuzz.py --build "$build" "$@"

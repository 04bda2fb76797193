#!/usr/bin/env bash
# Builds weft into ./build (or $BUILD_DIR) with the project's own settings: optimised, checks on, debug symbols.
# Installs missing packages first. Says how long it took; prints the compiler's words only when they matter.
#
#   scripts/build.sh            build/weft and the unit tests
#   scripts/build.sh weft       one or more ninja targets
set -euo pipefail
cd "$(dirname "$0")/.."
build=${BUILD_DIR:-build}
say() { printf 'build: %s\n' "$*"; }
case "${1:-}" in -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;; esac

# Unit tests are part of one configuration, so their libraries are needed even for weft alone.
scripts/setup.sh

started=$(date +%s%N)
mkdir -p "$build"
log=$build/build.log
if [ ! -f "$build/build.ninja" ]; then
  # A directory left by a set-up that failed is begun anew.
  fresh=()
  [ -f "$build/meson-private/coredata.dat" ] && fresh=(--wipe)
  # /usr/bin first: meson and protoc belong to the packages above, whatever else PATH holds.
  if ! PATH=/usr/bin:$PATH meson setup "${fresh[@]}" -Dbench=false "$build" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    exit 1
  fi
fi

if [ -t 1 ]; then
  PATH=/usr/bin:$PATH ninja -C "$build" --quiet "$@"
elif ! PATH=/usr/bin:$PATH ninja -C "$build" "$@" >"$log" 2>&1; then
  grep -E -A12 'FAILED|error' "$log" | tail -n 60 >&2 || tail -n 60 "$log" >&2
  exit 1
fi
milliseconds=$((($(date +%s%N) - started) / 1000000))
say "${*:-everything} in $build took $((milliseconds / 1000)).$((milliseconds % 1000 / 100)) s"

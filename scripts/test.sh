#!/usr/bin/env bash
# Builds everything and runs every test: unit tests, the simulator's sweep (tests/sim), lint, and two or more daemons
# against each other (tests/e2e).
# The last line counts single cases: "N passed, N failed" and, if any, ", N skipped". Exit code 0 only when
# something ran and nothing failed.
#
#   scripts/test.sh                 everything
#   scripts/test.sh --quick         unit tests and lint only
#   scripts/test.sh --filter NAME   only cases with NAME in their name
#   scripts/test.sh --no-build      use ./build as it is
set -euo pipefail
cd "$(dirname "$0")/.."
build=yes
arguments=()
while [ $# -gt 0 ]; do
  case "$1" in
    --no-build) build=no ;;
    --quick) arguments+=(--quick) ;;
    --filter) arguments+=(--filter "${2:?--filter needs a name}"); shift ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) printf 'test: unknown option %s (see --help)\n' "$1" >&2; exit 2 ;;
  esac
  shift
done
if [ $build = yes ] && ! scripts/build.sh; then
  # Said in the form of the last line, so that whoever counts sees a failure and not silence.
  printf 'The build failed; nothing was tested.\n0 passed, 1 failed\n'
  exit 1
fi
# Tests in a virtual machine are skipped, and say so, where its parts cannot be had.
case "$build ${arguments[*]}" in no* | *--quick*) ;; *) scripts/setup.sh --qemu || true ;; esac
exec /usr/bin/python3 scripts/run_tests.py --build "${BUILD_DIR:-build}" "${arguments[@]}"

#!/usr/bin/env bash
# Runs whole simulated engines through random seeds for HOURS (a fraction is allowed) on all CPUs, and prints seeds per
# hour, packets simulated, virtual time, probes hit, and every failure with the command that replays it.
# Exit code 0 only when no seed failed.
#
#   scripts/soak.sh 0.2             twelve minutes
#   scripts/soak.sh --no-build 8    a night, with ./build as it is
set -euo pipefail
cd "$(dirname "$0")/.."
build=yes
hours=
while [ $# -gt 0 ]; do
  case "$1" in
    --no-build) build=no ;;
    -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) printf 'soak: unknown option %s (see --help)\n' "$1" >&2; exit 2 ;;
    *) hours=$1 ;;
  esac
  shift
done
if ! [[ $hours =~ ^[0-9]*\.?[0-9]+$ ]]; then
  printf 'soak: for how many hours? (see --help)\n' >&2
  exit 2
fi
[ $build = no ] || scripts/build.sh tests/sim/weft_sim
exec "${BUILD_DIR:-build}/tests/sim/weft_sim" --minutes "$(awk -v h="$hours" 'BEGIN { print h * 60 }')"

#!/usr/bin/env bash
# Times the same folder through weft and through what else there is, in one run on this machine: stock Syncthing, weft with a
# Syncthing at the other end, an rsync daemon; and what the machine could do at most. A table, and JSON and a picture on request.
#
#   scripts/bench_vs.sh                                    3 rounds of 4 x 512 MiB, all of them
#   scripts/bench_vs.sh --rounds 1 --mib 128 --json f.json --svg f.svg
#   scripts/bench_vs.sh --only weft stock --small 20000    files per second; see --help
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in
  *" --help "* | *" -h "*) ;;
  *)
    scripts/setup.sh
    scripts/setup.sh --bench
    scripts/build.sh weft
    ;;
esac
exec /usr/bin/python3 scripts/bench_vs.py "$@"

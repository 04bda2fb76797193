#!/usr/bin/env bash
# Times the same folder through stock Syncthing (loopback TCP) and through weft (two net_memif paths), in alternating
# pairs, and prints every run, the medians and their ratio.
#
#   scripts/bench_vs_stock.sh                          3 pairs of 4 x 512 MiB
#   scripts/bench_vs_stock.sh --pairs 1 --mib 128      smaller; see --help
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in
  *" --help "* | *" -h "*) ;;
  *" --only stock "*) scripts/setup.sh ;;
  *) scripts/build.sh weft ;;
esac
exec /usr/bin/python3 scripts/bench_vs_stock.py "$@"

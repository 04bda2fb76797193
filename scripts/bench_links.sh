#!/usr/bin/env bash
# Times cables of different speed alone and together, through weft (af_packet ports) and through the kernel (TCP, MPTCP),
# between two network namespaces of this machine, in one run. Needs root; takes about two minutes.
#
#   scripts/bench_links.sh                                  all scenarios once
#   scripts/bench_links.sh --scenario equal --repeat 3      one of them, with medians
#   scripts/bench_links.sh --rates 300,100 --json out.json  cables of your own; see --help
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in
  *" --help "* | *" -h "*) ;;
  *) scripts/setup.sh --bench; scripts/build.sh weft ;;
esac
exec /usr/bin/python3 scripts/bench_links.py "$@"

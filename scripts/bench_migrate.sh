#!/usr/bin/env bash
# Measures what migrations, falls and restarts cost a transfer between two wefts of this machine. About ten minutes.
#
#   scripts/bench_migrate.sh                                all of it
#   scripts/bench_migrate.sh --only switch fall             these alone, a minute
#   scripts/bench_migrate.sh --only crash --kills 200       see --help
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in
  *" --help "* | *" -h "*) ;;
  *) scripts/setup.sh; scripts/build.sh weft ;;
esac
exec /usr/bin/python3 scripts/bench_migrate.py "$@"

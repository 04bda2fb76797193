#!/usr/bin/env bash
# Shows weft at work, from nothing but a clone: installs what is missing, builds, then moves a folder of more than 1 GiB
# between two wefts over two paths and silences one of the paths half-way. Needs no root once the packages are there.
#
#   scripts/demo.sh                 everything in a temporary directory that is removed at the end
#   scripts/demo.sh --keep          leave the two homes, folders and logs for a look
#   scripts/demo.sh --help          sizes and more
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in *" --help "* | *" -h "*) exec /usr/bin/python3 scripts/demo.py --help ;; esac
scripts/build.sh weft
exec /usr/bin/python3 scripts/demo.py "$@"

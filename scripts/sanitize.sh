#!/usr/bin/env bash
# Runs the tests under a sanitizer, from a build directory of its own (build-asan, build-tsan). Exit code 0 only when
# all passed and no program reported anything.
#
#   scripts/sanitize.sh asan   AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer: every suite but lint and
#                              bench, then tests/e2e with the instrumented daemon
#   scripts/sanitize.sh tsan   ThreadSanitizer: the suites whose tests have threads or check what threads share, then
#                              two instrumented daemons over memif (tests/e2e/two_wefts_memif_test.py)
#   --no-build                 takes the build directory as it is
#   --unit, --e2e              only that half
#
# A report ends the program that made it, and its text is shown at the end. What is not our fault is listed with its
# reason in scripts/sanitizers/*.supp. What the sanitizers cannot see here: scripts/README.md, "Sanitizers".
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-}
shift || true
build=yes halves=()
while [ $# -gt 0 ]; do
  case "$1" in
    --no-build) build=no ;;
    --unit) halves+=(--no-e2e) ;;
    --e2e) halves+=(--no-meson) ;;
    *) kind= ;;
  esac
  shift
done
# GCC's warnings are not to be trusted under its sanitizers (its manual says so of -Wmaybe-uninitialized).
options=(-Dbench=false -Dchecked=true -Dwerror=false)
tests=(--no-suite lint --no-suite bench)
case $kind in
  # vptr asks for RTTI, which the pure libraries have not.
  asan) options+=(-Db_sanitize=address,undefined -Dcpp_args=-fno-sanitize=vptr) ;;
  tsan)
    options+=(-Db_sanitize=thread)
    halves+=(--e2e-file two_wefts_memif_test.py)
    ;;
  *) sed -n '2,16s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
directory=build-$kind
root=$PWD
reports=$root/$directory/reports

if [ $build = yes ]; then
  scripts/setup.sh
  [ -f "$directory/build.ninja" ] || PATH=/usr/bin:$PATH meson setup "${options[@]}" "$directory" >/dev/null
  # /usr/bin first: meson and protoc belong to the packages, whatever else PATH holds.
  PATH=/usr/bin:$PATH ninja -C "$directory" --quiet
fi
rm -rf "$reports"
mkdir -p "$reports"

supp=$root/scripts/sanitizers
common="log_path=$reports/report:halt_on_error=1:abort_on_error=0:exitcode=99:handle_segv=1"
export ASAN_OPTIONS="$common:detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1"
export LSAN_OPTIONS="suppressions=$supp/lsan.supp:print_suppressions=0"
export UBSAN_OPTIONS="$common:print_stacktrace=1:suppressions=$supp/ubsan.supp"
export TSAN_OPTIONS="$common:suppressions=$supp/tsan.supp:second_deadlock_stack=1:history_size=4"

code=0
/usr/bin/python3 scripts/run_tests.py --build "$directory" --slow "${tests[@]}" "${halves[@]}" || code=$?
# A file may also hold a remark on the sanitizer's own limits (of contexts that are switched, in tests/unit/share/weak).
mapfile -t found < <(grep -lrE 'ERROR: |SUMMARY: |runtime error: ' "$reports")
if [ ${#found[@]} -gt 0 ]; then
  code=1
  for report in "${found[@]}"; do
    printf '\n%s\n' "--- $report"
    head -n 60 "$report"
  done
  printf '%s: %s programs reported something (%s)\n' "$kind" "${#found[@]}" "$reports"
fi
exit $code

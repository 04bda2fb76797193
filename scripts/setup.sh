#!/usr/bin/env bash
# Installs every Debian 12 package that weft needs to be built and tested. Run it as often as you like: when
# all packages are there it only says so. build.sh, test.sh and demo.sh call it themselves.
#
#   scripts/setup.sh            what building and testing need
#   scripts/setup.sh --build    only what building and the demo need
#   scripts/setup.sh --test     only what the tests add
#   scripts/setup.sh --fuzz     only what fuzzing adds (scripts/fuzz.sh asks for it; nothing else does)
#   scripts/setup.sh --qemu     what tests in a virtual machine (PCI cards, power cuts) add, and a kernel for it (not installed)
#   scripts/setup.sh --bench    only what comparisons with others add (scripts/bench_links.sh and bench_vs.sh ask for it)
set -euo pipefail

build_packages=(
  g++ meson ninja-build pkg-config ccache git ca-certificates
  # Ports: DPDK, and by name the drivers that are loaded at run time rather than linked.
  libdpdk-dev librte-net-memif23 librte-net-af-packet23 librte-mempool-ring23 librte-bus-vdev23
  liburing-dev libssl-dev
  protobuf-compiler libprotobuf-dev liblz4-dev libsqlite3-dev libboost-dev libpugixml-dev libtomlplusplus-dev
  libcli11-dev libspdlog-dev libfmt-dev nlohmann-json3-dev prometheus-cpp-dev libexpected-dev
  python3 # the demo's driver
)
# ipsec-mb is x86 code; elsewhere OpenSSL seals the packets.
if [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ]; then build_packages+=(libipsec-mb-dev); fi
test_packages=(libgtest-dev libbenchmark-dev python3-pytest syncthing iproute2 iputils-ping curl openssl)

# libFuzzer and the sanitizers' run-time libraries come with the compiler-rt package, the symbolizer with llvm.
fuzz_packages=(clang-16 libclang-rt-16-dev llvm-16)
qemu_packages=(qemu-system-x86 busybox-static cpio kmod e2fsprogs librte-bus-pci23 librte-net-e1000-23 librte-net-virtio23)
bench_packages=(iproute2 iperf3 mptcpize procps rsync gnuplot-nox dpdk-dev openssl)

wanted=("${build_packages[@]}" "${test_packages[@]}")
case "${1:-}" in
  "") ;;
  --build) wanted=("${build_packages[@]}") ;;
  --test) wanted=("${test_packages[@]}") ;;
  --fuzz) wanted=("${fuzz_packages[@]}") ;;
  --qemu) wanted=("${qemu_packages[@]}") ;;
  --bench) wanted=("${bench_packages[@]}") ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "$0"; [ "$1" = --help ] && exit 0 || exit 2 ;;
esac

say() { printf 'setup: %s\n' "$*"; }

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  say "this script knows Debian 12 only. Install the equivalents of: ${wanted[*]}" >&2
  exit 1
fi

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif [ -t 0 ]; then
    sudo "$@"
  else
    sudo -n "$@" # nobody there who could type a password
  fi
}
apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"; }

# Debian's kernel for the machine of tests/e2e/qemu_*_test.py, beside this machine's own: unpacked, never installed.
fetch_kernel() {
  local directory=${XDG_CACHE_HOME:-$HOME/.cache}/weft/kernel package work
  compgen -G "$directory/boot/vmlinuz-*" >/dev/null && return
  package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-/ { print $2; exit }')
  say "unpacking $package into $directory"
  work=$(mktemp -d)
  if ! { (cd "$work" && apt-get -q download "$package") && dpkg-deb -x "$work/$package"_*.deb "$work/kernel" &&
    /usr/sbin/depmod -b "$work/kernel" "${package#linux-image-}" && mkdir -p "$(dirname "$directory")" &&
    rm -rf "$directory" && mv "$work/kernel" "$directory"; } >"$work/log" 2>&1; then
    tail -n 5 "$work/log" >&2
    say "no kernel could be had" >&2
    rm -rf "$work"
    return 1
  fi
  rm -rf "$work"
}

# promtool checks the metrics and alert rules. Its package would also start a Prometheus server: unpacked, never installed.
fetch_promtool() {
  local directory=${XDG_CACHE_HOME:-$HOME/.cache}/weft/bin work
  if command -v promtool >/dev/null || [ -x "$directory/promtool" ]; then return; fi
  say "unpacking promtool into $directory"
  work=$(mktemp -d)
  if ! { mkdir -p "$directory" && cd "$work" &&
    { apt-get -q download prometheus || { apt update && apt-get -q download prometheus; }; } &&
    dpkg-deb -x prometheus_*.deb unpacked &&
    mv unpacked/usr/bin/promtool "$directory/" && cd - >/dev/null; } >"$work/log" 2>&1; then
    tail -n 5 "$work/log" >&2
    say "no promtool could be had" >&2
    rm -rf "$work"
    return 1
  fi
  rm -rf "$work"
}

finish() {
  case "${1:-}" in
    --qemu) fetch_kernel ;;
    "" | --test) fetch_promtool ;;
  esac
}

# dpkg-query fails for names it has never heard of; those count as missing, so its exit code says nothing.
installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null || true)
missing=()
for package in "${wanted[@]}"; do
  grep -qxF "$package installed" <<<"$installed" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  say "all ${#wanted[@]} packages are installed"
  finish "$@"
  exit
fi

if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
  say "missing: ${missing[*]}" >&2
  say "installing needs root and there is no sudo: run as root 'apt-get install ${missing[*]}'" >&2
  exit 1
fi

say "installing ${#missing[@]} of ${#wanted[@]} packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt update && apt install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  say "apt-get failed, see above" >&2
  exit 1
fi
say "done"
finish "$@"

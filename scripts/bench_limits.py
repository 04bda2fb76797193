"""What this machine can do at most, stage by stage, measured beside the transfers that are compared with it (bench_vs.py):
packets over shared memory without and with AES-GCM, AES-GCM and SHA-256 alone, the disk. A tool that is not there is left out.
"""
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

import weftlab

SECONDS = 4
LIMIT_S = 60
GB = 1e9
DISK_MIB = 1024


def _output(*command, limit_s=LIMIT_S):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=limit_s, check=False)
    if done.returncode:
        raise weftlab.LabError(f"{command[0]}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


def weft_bench(*words, seconds=SECONDS):
    """Bytes per second."""
    told = _output(weftlab.weft_binary(), "bench", "--seconds", seconds, "--json", "-", *words, limit_s=seconds + LIMIT_S)
    return json.loads(told)["bytes_per_second"]


def bare_packets(directory):
    """Two testpmd over one memif pair, 1500-byte frames: payload that arrives."""
    size = 1500
    if not shutil.which("dpdk-testpmd"):
        return None
    socket = directory / "testpmd.sock"

    def start(role, mode, main_core):          # the other one forwards
        return subprocess.Popen(
            ["dpdk-testpmd", "--no-huge", "-m", "256", "--no-pci", f"--file-prefix=bench-{role}-{os.getpid()}",
             "-l", "0,1", f"--main-lcore={main_core}",
             f"--vdev=net_memif0,role={role},id=0,socket={socket},socket-abstract=no", "--", f"--forward-mode={mode}",
             f"--txpkts={size}", "--stats-period=1", "--total-num-mbufs=16384", "--no-lsc-interrupt"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    with start("server", "rxonly", 0) as receiver, start("client", "txonly", 1) as sender:
        time.sleep(SECONDS + 2)
        sender.kill()
        receiver.kill()
        rates = [int(rate) for rate in re.findall(r"Rx-pps:\s+(\d+)", receiver.stdout.read())]
    # The first ones are of ports that come up, and of an interval that was not a second.
    return statistics.median(rates[2:]) * size if len(rates) > 2 else None


def openssl(*words):
    """Bytes per second of its largest size."""
    out = _output("openssl", "speed", "-seconds", "2", *words)
    last = [line for line in out.splitlines() if line.strip()][-1].split()[-1]
    return float(last.rstrip("k")) * 1000


def disk(directory, *how):
    """One stream through dd, without the page cache, synced."""
    file = directory / "disk"
    if how == ("write",):
        words = ["if=/dev/zero", f"of={file}", "oflag=direct", "conv=fdatasync"]
    else:
        words = [f"if={file}", "of=/dev/null", "iflag=direct"]
    began = time.monotonic()
    subprocess.run(["dd", "bs=1M", f"count={DISK_MIB}", *words], stderr=subprocess.DEVNULL, timeout=LIMIT_S, check=True)
    return (DISK_MIB << 20) / (time.monotonic() - began)


LIMITS = {
    "packets of 1500 bytes over one memif pair, bare (testpmd)": bare_packets,
    "sealed packets over two memif pairs, MTU 1500 (weft bench --raw)": lambda directory: weft_bench("--raw", "--mtu", 1500, "--dir", directory),
    "weft, memory to memory, MTU 1500 (weft bench)": lambda directory: weft_bench("--mtu", 1500, "--dir", directory),
    "sealed packets, MTU 9000 (weft bench --raw)": lambda directory: weft_bench("--raw", "--mtu", 9000, "--dir", directory),
    "weft, memory to memory, MTU 9000 (weft bench)": lambda directory: weft_bench("--mtu", 9000, "--dir", directory),
    "AES-128-GCM of 1400 bytes (openssl speed)": lambda _: openssl("-bytes", "1400", "-evp", "aes-128-gcm"),
    "SHA-256 (openssl speed)": lambda _: openssl("-bytes", "131072", "-evp", "sha256"),
    "disk, one stream written and synced (dd)": lambda directory: disk(directory, "write"),
    "disk, one stream read (dd)": lambda directory: disk(directory, "read"),
}


def measure(directory):
    print("\nWhat this machine can do at most:", flush=True)
    found = {}
    for name, how in LIMITS.items():
        try:
            found[name] = how(directory)
        except (weftlab.LabError, subprocess.SubprocessError, OSError) as error:
            print(f"bench: {name}: {error}", file=sys.stderr)
            continue
        if found[name] is None:
            del found[name]
            continue
        print(f"  {found[name] / GB:7.2f} GB/s  {name}", flush=True)
    return found


def tell(limits):
    if not limits:
        return
    for mtu in (1500, 9000):
        weft, raw = (limits.get(f"weft, memory to memory, MTU {mtu} (weft bench)"),
                     next((rate for name, rate in limits.items() if "--raw" in name and f"MTU {mtu}" in name), None))
        if weft and raw:
            print(f"Memory to memory, MTU {mtu}: {weft / raw:.1%} of the sealed packets' limit")

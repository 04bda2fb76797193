#!/usr/bin/python3
"""What a packet costs with more data cores: `weft bench --cores 1` and `--cores 2` in turn.

Processor time of all data threads of both ends per 1400 bytes, so that it can be told where there are fewer CPUs than cores:
time in which a thread was put aside does not count, what cores take from each other's caches does. Figures only.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import time

import weftlab

WARM_S = 3.5                          # until both ends are up and past their own second of warm-up
PACKET_BYTES = 1400


def cpu_seconds():
    """Of all threads that are data cores now."""
    ticks = 0
    for comm in pathlib.Path("/proc").glob("[0-9]*/task/*/comm"):
        try:
            if comm.read_text(encoding="ascii").strip() == "weft-data":
                fields = comm.with_name("stat").read_text(encoding="ascii").rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        except OSError:
            continue                  # it has just ended
    return ticks / os.sysconf("SC_CLK_TCK")


def measure(cores, seconds):
    """Bytes per second, nanoseconds of processor time per packet."""
    words = [weftlab.weft_binary(), "bench", "--cores", str(cores), "--seconds", str(seconds + 3), "--json", "-"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as bench:
        time.sleep(WARM_S)
        before, began = cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        busy = (cpu_seconds() - before) / (time.monotonic() - began)
        rate = json.loads(bench.communicate()[0])["bytes_per_second"]
    return rate, busy / (rate / PACKET_BYTES) * 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5, help="(5)")
    parser.add_argument("--seconds", type=int, default=3, help="of each run (3)")
    options = parser.parse_args()
    ratios = []
    for _ in range(options.pairs):
        costs = {}
        for cores in (1, 2):
            rate, costs[cores] = measure(cores, options.seconds)
            print(f"  {cores} core(s) at each end: {rate / 1e6:6.0f} MB/s, {costs[cores]:5.0f} ns of processor time per packet", flush=True)
        ratios.append(costs[2] / costs[1])
    print(f"2 cores cost {statistics.median(ratios) * 100:.0f} % of what 1 costs (median of {options.pairs})")


if __name__ == "__main__":
    main()

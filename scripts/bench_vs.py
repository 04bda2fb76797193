#!/usr/bin/python3
"""Times one folder through weft and through others on this machine, side by side.

    weft        weft to weft, two net_memif paths               stock       stock Syncthing to stock Syncthing, loopback TCP
    weft-stock  weft gives, stock receives, one TLS link        stock-weft  stock gives, weft receives
    rsync       an rsync daemon gives, rsync receives, plain TCP, with --fsync

Measured: from the start of the receiving process until its REST says that the folder is complete (rsync: until it ends). The
source has hashed its folder before and its files are in the page cache; each run has fresh homes and an empty target;
contents are compared afterwards, outside the time. Rounds go through all of them, every other round backwards, so that a slow
spell of the machine hits all. Nobody's fsync is switched off. Figures only: nothing is asserted about them.

With --small N the folder is N files of 0 to 16 KiB, a hundred in a directory. What is told of it is files per second: of the
whole run (start, handshake and index included) and of its middle, from a tenth of the files to nine tenths, where neither
side waits for its own start.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import time

import bench_limits
import bench_picture
import compare_trees
import trees
import weftlab

MB = 1_000_000
LIMIT_S = 900
SMALL_BYTES_MAX = 16 << 10


@dataclasses.dataclass
class Run:
    seconds: float
    middle_rate: float                 # files/s between a tenth and nine tenths of the files


def warm(folder):
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                while file.read(4 * trees.MIB):
                    pass


class Watch:
    """Looks at the receiver until it is complete; remembers when how many files stood there."""

    def __init__(self, daemon, files, size):
        self._daemon, self._files, self._size = daemon, files, size
        self._seen = []                # (seconds, files)
        self._began = time.monotonic()

    def seconds(self):
        return time.monotonic() - self._began

    def complete(self):
        try:
            status = self._daemon.folder_status("lab")
        except (OSError, weftlab.RestError, weftlab.http.client.HTTPException):
            return False
        self._seen.append((self.seconds(), status["localFiles"]))
        return status["state"] == "idle" and status["needTotalItems"] == 0 and \
            status["localFiles"] >= self._files and status["localBytes"] >= self._size

    def middle_rate(self):
        """0: the samples are too few."""
        inside = [(at, count) for at, count in self._seen if self._files <= 10 * count <= 9 * self._files]
        if len(inside) < 2 or inside[-1][1] == inside[0][1]:
            return 0.0
        return (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0])


def describe(kind, run, files, size, options, target=None):
    if options.small:
        middle = f", {run.middle_rate:6.0f} in the middle" if run.middle_rate else ""
        return f"{files / run.seconds:6.0f} files/s{middle}"
    text = f"{size / run.seconds / MB:6.0f} MB/s"
    if kind == "weft":
        text += "   " + ", ".join(f"{path['port']} {path['chunk_bytes_in'] / MB:.0f} MB" for path in target.paths())
        text += f", link {target.totals()['bytes_via_link'] / MB:.0f} MB"
    return text


def check_copy(kind, data, copy):
    if unlike := list(compare_trees.differences(data, copy)):
        raise weftlab.LabError(f"{kind}: trees differ: {unlike[:3]}")


def run_syncthing(kind, data, options):
    """Two daemons of the kinds that the name says."""
    files, _, _, size = compare_trees.totals(data)
    gives, _, receives = kind.partition("-")
    # Thousands of deleted files are discarded in the background (mount option "discard"), for seconds, from the disk that
    # the next run writes to: they stay until the end.
    with weftlab.Lab(keep=bool(options.small), parent=data.parent) as lab:
        make = {"stock": lab.stock, "weft": lab.weft}
        source, target = make[gives]("source"), make[receives or gives]("target")
        _, copy = weftlab.join(source, target, one_path=data)
        if kind == "weft":
            weftlab.add_memif_paths(source, target, mtu=options.mtu, engine={"cores": options.cores})
        source.start()
        weftlab.wait_until(lambda: (status := source.folder_status("lab"))["state"] == "idle" and
                           status["localFiles"] == files, LIMIT_S, "the source has hashed its folder", alive=[source])
        warm(data)
        watch = Watch(target, files, size)
        target.start(wait=False)
        weftlab.wait_until(watch.complete, LIMIT_S, f"{kind} is complete", 0.05, [source, target])
        run = Run(watch.seconds(), watch.middle_rate())
        check_copy(kind, data, copy)
        return run, describe(kind, run, files, size, options, target)


RSYNC_MODULE = """use chroot = no
[data]
path = {data}
read only = yes
"""


def run_rsync(kind, data, options):
    files, _, _, size = compare_trees.totals(data)
    with weftlab.Lab(keep=bool(options.small), parent=data.parent) as lab:
        config, copy, port = lab.directory / "rsyncd.conf", lab.directory / "copy", weftlab.free_port()
        config.write_text(RSYNC_MODULE.format(data=data), encoding="utf-8")
        warm(data)
        with subprocess.Popen(["rsync", "--daemon", "--no-detach", f"--config={config}", f"--port={port}",
                               "--address=127.0.0.1"], stderr=subprocess.DEVNULL) as daemon:
            try:
                began = time.monotonic()
                while subprocess.run(["rsync", "--archive", "--fsync", f"rsync://127.0.0.1:{port}/data/", f"{copy}/"],
                                     stderr=subprocess.DEVNULL, check=False).returncode:
                    if time.monotonic() - began > LIMIT_S or daemon.poll() is not None:
                        raise weftlab.LabError("rsync does not reach its daemon")
                    time.sleep(0.05)
                    began = time.monotonic()           # it was not listening yet
                run = Run(time.monotonic() - began, 0.0)
            finally:
                daemon.terminate()
        check_copy(kind, data, copy)
        return run, describe(kind, run, files, size, options)


KINDS = {"weft": run_syncthing, "stock": run_syncthing, "weft-stock": run_syncthing, "stock-weft": run_syncthing,
         "rsync": run_rsync}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="(3)")
    parser.add_argument("--files", type=int, default=4, help="(4)")
    parser.add_argument("--mib", type=int, default=512, help="size of each file (512)")
    parser.add_argument("--small", type=int, metavar="N", help="instead: N files of 0 to 16 KiB")
    parser.add_argument("--only", choices=[*KINDS, "limits"], nargs="+", default=[*KINDS, "limits"], help="these alone (all)")
    parser.add_argument("--cores", type=int, default=1, help="weft's data cores on each side (1)")
    parser.add_argument("--mtu", type=int, default=1500, help="of weft's paths (1500)")
    parser.add_argument("--dir", type=pathlib.Path, help="make the temporary directories here")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures there")
    parser.add_argument("--svg", type=pathlib.Path, help="draw the medians there")
    return parser.parse_args()


def make_data(data, options):
    """What is moved, in words."""
    if options.small:
        trees.make_small(data, options.small, "bench", 0, SMALL_BYTES_MAX)
        return f"{options.small} files of 0 to {SMALL_BYTES_MAX >> 10} KiB"
    for number in range(options.files):
        trees.make_large(data / f"file {number}", options.mib * trees.MIB, f"bench-{number}")
    return f"{options.files} x {options.mib} MiB"


def machine():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return f"{line.partition(':')[2].strip()}, {os.cpu_count()} CPUs, Linux {platform.release()}"
    return platform.platform()


def summary(runs, files, size):
    """Per kind: the median and what follows from it."""
    out = {}
    for kind, done in runs.items():
        seconds = statistics.median(run.seconds for run in done)
        out[kind] = {"median_s": seconds, "runs_s": [run.seconds for run in done], "bytes_per_second": size / seconds,
                     "files_per_second": files / seconds,
                     "middle_files_per_second": statistics.median(run.middle_rate for run in done)}
    for kind in out:
        if "stock" in out:
            out[kind]["times_stock"] = out["stock"]["median_s"] / out[kind]["median_s"]
    return out


def tell(told, options):
    print("\nMedians:")
    for kind, figures in told.items():
        rate = f"{figures['files_per_second']:6.0f} files/s" if options.small else f"{figures['bytes_per_second'] / MB:6.0f} MB/s"
        if options.small and figures["middle_files_per_second"]:
            rate += f", {figures['middle_files_per_second']:6.0f} in the middle"
        times = f"   {figures['times_stock']:5.2f} x stock" if "times_stock" in figures else ""
        print(f"  {kind:>10}  {figures['median_s']:7.2f} s  {rate}{times}")


def measure(options):
    kinds = [kind for kind in options.only if kind != "limits"]
    runs = {kind: [] for kind in kinds}
    with weftlab.Lab(parent=options.dir) as store:
        data = store.directory / "data"
        what = make_data(data, options)
        print(f"{machine()}: {what}, {options.rounds} rounds", flush=True)
        files, _, _, size = compare_trees.totals(data)
        for number in range(options.rounds):
            for kind in kinds if number % 2 == 0 else kinds[::-1]:
                run, text = KINDS[kind](kind, data, options)
                runs[kind].append(run)
                print(f"  {kind:>10}  {run.seconds:7.2f} s  {text}", flush=True)
        limits = bench_limits.measure(store.directory) if "limits" in options.only else {}
    return {"machine": machine(), "moved": what, "rounds": options.rounds, "mtu": options.mtu, "cores": options.cores,
            "small": bool(options.small), "ways": summary(runs, files, size), "limits": limits}


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        told = measure(options)
    except weftlab.LabError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    tell(told["ways"], options)
    bench_limits.tell(told["limits"])
    if options.json:
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    if options.svg:
        bench_picture.draw(told, options.svg)
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""Times one folder through stock Syncthing and through weft on this machine, side by side.

Measured: from the start of the receiving process until its REST says that the folder is complete. The source has hashed
its folder before and its files are in the page cache; each run has fresh homes and an empty target; contents are compared
afterwards, outside the time. Pairs alternate (stock, weft, weft, stock, ...), so a slow spell of the machine hits both.
Neither side's fsync is switched off. Figures only: nothing is asserted about them.

With --small N the folder is N files of 0 to 16 KiB, a hundred in a directory. What is told of it is files per second: of the
whole run (start, handshake and index included) and of its middle, from a tenth of the files to nine tenths, where neither
side waits for its own start.
"""
import argparse
import dataclasses
import pathlib
import signal
import statistics
import sys
import time

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


def describe(kind, run, files, size, options, target):
    if options.small:
        return f"{files / run.seconds:6.0f} files/s, {run.middle_rate:6.0f} in the middle"
    text = f"{size / run.seconds / MB:6.0f} MB/s"
    if kind == "weft":
        text += "   " + ", ".join(f"{path['port']} {path['chunk_bytes_in'] / MB:.0f} MB" for path in target.paths())
        text += f", link {target.totals()['bytes_via_link'] / MB:.0f} MB"
    return text


def one_run(kind, data, options):
    files, _, _, size = compare_trees.totals(data)
    # Thousands of deleted files are discarded in the background (mount option "discard"), for seconds, from the disk that
    # the next run writes to: they stay until the end.
    with weftlab.Lab(keep=bool(options.small), parent=data.parent) as lab:
        make = lab.stock if kind == "stock" else lab.weft
        source, target = make("source"), make("target")
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
        unlike = list(compare_trees.differences(data, copy))
        if unlike:
            raise weftlab.LabError(f"{kind}: trees differ: {unlike[:3]}")
        print(f"{kind:>6}: {run.seconds:6.2f} s  {describe(kind, run, files, size, options, target)}", flush=True)
        return run


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--mib", type=int, default=512, help="size of each file")
    parser.add_argument("--small", type=int, metavar="N", help="instead: N files of 0 to 16 KiB")
    parser.add_argument("--only", choices=("stock", "weft"), help="time one of the two only")
    parser.add_argument("--cores", type=int, default=1, help="weft's data cores on each side")
    parser.add_argument("--mtu", type=int, default=1500, help="of weft's paths")
    parser.add_argument("--dir", type=pathlib.Path, help="make the temporary directories here")
    return parser.parse_args()


def make_data(data, options):
    """What is moved, in words."""
    if options.small:
        trees.make_small(data, options.small, "bench", 0, SMALL_BYTES_MAX)
        return f"{options.small} files of 0 to {SMALL_BYTES_MAX >> 10} KiB"
    for number in range(options.files):
        trees.make_large(data / f"file {number}", options.mib * trees.MIB, f"bench-{number}")
    return f"{options.files} x {options.mib} MiB"


def tell_medians(runs, files, size, options):
    medians = {kind: statistics.median(run.seconds for run in done) for kind, done in runs.items() if done}
    middles = {kind: statistics.median(run.middle_rate for run in done) for kind, done in runs.items() if done}
    for kind, seconds in medians.items():
        rate = f"{files / seconds:.0f} files/s, {middles[kind]:.0f} in the middle" if options.small else \
            f"{size / seconds / MB:.0f} MB/s"
        print(f"{kind:>6}: median {seconds:.2f} s, {rate}")
    if len(medians) == 2:
        print(f"weft is {medians['stock'] / medians['weft']:.2f} times as fast as stock", end="")
        if options.small and min(middles.values()) > 0:
            print(f", {middles['weft'] / middles['stock']:.2f} times in the middle", end="")
        print()


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    kinds = [options.only] if options.only else ["stock", "weft"]
    if "stock" in kinds and not weftlab.Stock.binary:
        print("bench: no syncthing in PATH: run scripts/setup.sh", file=sys.stderr)
        return 2
    runs = {kind: [] for kind in kinds}
    try:
        with weftlab.Lab(parent=options.dir) as store:
            data = store.directory / "data"
            print(f"bench: {make_data(data, options)}, {options.pairs} pairs", flush=True)
            files, _, _, size = compare_trees.totals(data)
            for pair in range(options.pairs):
                for kind in kinds if pair % 2 == 0 else kinds[::-1]:
                    runs[kind].append(one_run(kind, data, options))
    except weftlab.LabError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    tell_medians(runs, files, size, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())

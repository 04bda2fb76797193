#!/usr/bin/python3
"""Times one folder through stock Syncthing and through weft on this machine, side by side.

Measured: from the start of the receiving process until its REST says that the folder is complete. The source has hashed
its folder before and its files are in the page cache; each run has fresh homes and an empty target; contents are compared
afterwards, outside the time. Pairs alternate (stock, weft, weft, stock, ...), so a slow spell of the machine hits both.
Neither side's fsync is switched off. Figures only: nothing is asserted about them.
"""
import argparse
import pathlib
import signal
import statistics
import sys
import time

import compare_trees
import trees
import weftlab

MB = 1_000_000
LIMIT_S = 600


def warm(folder):
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                while file.read(4 * trees.MIB):
                    pass


def one_run(kind, data, options):
    """Seconds."""
    files, _, _, size = compare_trees.totals(data)
    with weftlab.Lab(parent=options.dir) as lab:
        make = lab.stock if kind == "stock" else lab.weft
        source, target = make("source"), make("target")
        _, copy = weftlab.join(source, target, one_path=data)
        if kind == "weft":
            weftlab.add_memif_paths(source, target, mtu=options.mtu, engine={"cores": options.cores})
        source.start()
        weftlab.wait_until(lambda: (status := source.folder_status("lab"))["state"] == "idle" and
                           status["localFiles"] == files, LIMIT_S, "the source has hashed its folder", alive=[source])
        warm(data)

        started = time.monotonic()
        target.start(wait=False)

        def complete():
            try:
                status = target.folder_status("lab")
            except (OSError, weftlab.RestError, weftlab.http.client.HTTPException):
                return False
            return status["state"] == "idle" and status["needTotalItems"] == 0 and status["localBytes"] >= size

        weftlab.wait_until(complete, LIMIT_S, f"{kind} is complete", 0.05, [source, target])
        seconds = time.monotonic() - started
        unlike = list(compare_trees.differences(data, copy))
        if unlike:
            raise weftlab.LabError(f"{kind}: trees differ: {unlike[:3]}")
        detail = ""
        if kind == "weft":
            detail = "   " + ", ".join(f"{path['port']} {path['chunk_bytes_in'] / MB:.0f} MB" for path in target.paths())
            detail += f", link {target.totals()['bytes_via_link'] / MB:.0f} MB"
        print(f"{kind:>6}: {seconds:6.2f} s  {size / seconds / MB:6.0f} MB/s{detail}", flush=True)
        return seconds


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--mib", type=int, default=512, help="size of each file")
    parser.add_argument("--only", choices=("stock", "weft"), help="time one of the two only")
    parser.add_argument("--cores", type=int, default=1, help="weft's data cores on each side")
    parser.add_argument("--mtu", type=int, default=1500, help="of weft's paths")
    parser.add_argument("--dir", type=pathlib.Path, help="make the temporary directories here")
    return parser.parse_args()


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    kinds = [options.only] if options.only else ["stock", "weft"]
    if "stock" in kinds and not weftlab.Stock.binary:
        print("bench: no syncthing in PATH: run scripts/setup.sh", file=sys.stderr)
        return 2
    times = {kind: [] for kind in kinds}
    try:
        with weftlab.Lab(parent=options.dir) as store:
            data = store.directory / "data"
            for number in range(options.files):
                trees.make_large(data / f"file {number}", options.mib * trees.MIB, f"bench-{number}")
            size = compare_trees.totals(data)[3]
            print(f"bench: {options.files} x {options.mib} MiB, {options.pairs} pairs", flush=True)
            for pair in range(options.pairs):
                for kind in kinds if pair % 2 == 0 else kinds[::-1]:
                    times[kind].append(one_run(kind, data, options))
    except weftlab.LabError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    medians = {kind: statistics.median(runs) for kind, runs in times.items() if runs}
    for kind, seconds in medians.items():
        print(f"{kind:>6}: median {seconds:.2f} s, {size / seconds / MB:.0f} MB/s")
    if len(medians) == 2:
        print(f"weft is {medians['stock'] / medians['weft']:.2f} times as fast as stock")
    return 0


if __name__ == "__main__":
    sys.exit(main())

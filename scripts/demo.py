#!/usr/bin/python3
"""Moves a folder between two wefts over two paths, silences one path half-way, and shows that every byte arrived.

    weft "source"  ==== left  (net_memif) ====  weft "target"
                   ==== right (net_memif) ====               <- goes silent at half of the bytes
                   ---- link (TLS over loopback) ----

Called by demo.sh after the build. Exit code 0 only if both trees are equal and both paths carried data.
"""
import argparse
import pathlib
import shutil
import signal
import sys
import time

import compare_trees
import trees
import weftlab

MB = 1_000_000
LIMIT_S = 240


class Progress:
    """The live line. On a terminal it rewrites itself; in a log it is a line per second."""

    def __init__(self):
        self._tty = sys.stdout.isatty()
        self._shown_at = 0.0
        self._width = 0

    def show(self, text):
        now = time.monotonic()
        if self._tty:
            print(f"\r{text:<{self._width}}", end="", flush=True)
            self._width = len(text)
        elif now - self._shown_at >= 1:
            print(text, flush=True)
            self._shown_at = now

    def say(self, text):
        """A line that stays."""
        if self._tty and self._width:
            print(f"\r{'':<{self._width}}\r", end="")
        print(text, flush=True)
        self._width = 0


class PathMeter:
    """Payload bytes that arrived, by path name, kept also when a path leaves the list."""

    def __init__(self):
        self.bytes = {}
        self.states = {}
        self.rates = {}
        self._sampled_at = None

    def sample(self, paths):
        now, before = time.monotonic(), dict(self.bytes)
        self.states = dict.fromkeys(self.bytes, "gone")
        for path in paths:
            name = path["port"]
            self.bytes[name] = max(self.bytes.get(name, 0), path["chunk_bytes_in"])
            self.states[name] = path["state"]
        if self._sampled_at is not None:
            seconds = max(now - self._sampled_at, 1e-3)
            self.rates = {name: (count - before.get(name, 0)) / seconds for name, count in self.bytes.items()}
        self._sampled_at = now

    def text(self):
        return "   ".join(f"{name} {self.rates.get(name, 0) / MB:6.0f} MB/s ({self.states[name]})"
                          for name in sorted(self.bytes))


def make_folder(folder, mib, seed):
    """At least `mib` MiB in four large files, some thousand small ones, odd names, links, empty files."""
    for number in range(4):
        trees.make_large(folder / "large" / f"disk image {number}.raw", mib * trees.MIB // 4, f"{seed}-{number}")
    copied = trees.copy_some("/usr/include", folder / "include", 96 * trees.MIB, 3000)
    copied += trees.copy_some("/usr/share/doc", folder / "doc", 64 * trees.MIB, 1500)
    trees.make_small(folder / "small", max(1000, 4000 - copied), seed)
    trees.make_odd(folder / "odd", seed)


def transfer(source, target, size, cut, progress):
    """Starts the target, watches, cuts. Returns (seconds, meter, seconds of the cut or None)."""
    meter, cut_at, started = PathMeter(), None, time.monotonic()
    target.start()
    while True:
        for daemon in (source, target):
            daemon.check_alive()
        meter.sample(target.paths())
        status = target.folder_status("lab")
        done = max(status["globalBytes"] - status["needBytes"], 0) if status["globalBytes"] else 0
        moved = max(target.totals()["bytes_verified"], done)
        now = time.monotonic() - started
        share = min(moved / size, 1)
        progress.show(f"{now:6.1f} s  [{'#' * int(share * 24):<24}] {share * 100:3.0f} %   {meter.text()}")
        if cut and cut_at is None and share >= 0.45:
            for daemon in (source, target):
                daemon.impair(cut, blackhole=True)
            cut_at = now
            progress.say(f"{now:6.1f} s  path {cut} goes silent on both sides, at {share * 100:.0f} % of the bytes")
        complete = (status["state"] == "idle" and status["needTotalItems"] == 0 and status["localBytes"] >= size)
        if complete:
            progress.say(f"{now:6.1f} s  complete")
            return now, meter, cut_at
        if now > LIMIT_S:
            raise weftlab.LabError(f"not complete after {LIMIT_S} s\n{source.log_tail()}\n{target.log_tail()}")
        time.sleep(0.1)


def show_table(seconds, size, meter, source, target):
    totals = target.totals()
    rows = [("seconds", f"{seconds:.2f}"),
            ("MB/s", f"{size / seconds / MB:.0f}"),
            *((f"bytes over path {name}", f"{count:,}") for name, count in sorted(meter.bytes.items())),
            ("bytes over the link", f"{totals['bytes_via_link']:,}"),
            ("longest stall, ms", f"{totals['longest_stall_ms']}"),
            ("retransmitted bytes", f"{source.totals()['retransmitted_bytes']:,}"),
            ("bytes that came twice", f"{totals['duplicate_bytes']:,}")]
    width = max(len(name) for name, _ in rows)
    print("\n" + "\n".join(f"  {name:<{width}}  {value:>16}" for name, value in rows) + "\n")


def run(lab, options):
    progress = Progress()
    print(f"demo: everything is in {lab.directory}")
    source, target = lab.weft("source"), lab.weft("target")
    folder, copy = weftlab.join(source, target)
    weftlab.add_memif_paths(source, target, mtu=options.mtu, engine={"cores": options.cores})
    make_folder(folder, options.mib, options.seed)
    files, directories, links, size = compare_trees.totals(folder)
    print(f"demo: {files} files, {directories} directories, {links} symbolic links, {size / MB:.0f} MB")

    source.start()
    weftlab.wait_until(lambda: source.folder_status("lab")["localFiles"] >= files and
                       source.folder_status("lab")["state"] == "idle", 120, "the source has hashed its folder",
                       alive=[source])
    print("demo: the source has hashed its folder; the target starts with nothing")
    seconds, meter, cut_at = transfer(source, target, size, options.cut, progress)
    show_table(seconds, size, meter, source, target)

    unlike = list(compare_trees.differences(folder, copy))
    for text in unlike[:compare_trees.SHOWN_MAX]:
        print(f"demo: {text}")
    quiet = [name for name in ("left", "right") if not meter.bytes.get(name)]
    verdicts = [("both trees are equal: SHA-256, names, modes, times, link targets", not unlike),
                ("both paths carried data", not quiet)]
    if options.cut:
        verdicts.append((f"path {options.cut} was silenced on the way", cut_at is not None and cut_at < seconds))
    for text, good in verdicts:
        print(f"demo: {'yes' if good else 'NO '}  {text}")
    return 0 if all(good for _, good in verdicts) else 1


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--mib", type=int, default=1024, help="size of the large files together, MiB")
    parser.add_argument("--cut", default="right", metavar="PATH", help="path to silence, left or right; '' for none")
    parser.add_argument("--cores", type=int, default=1, help="data cores on each side")
    parser.add_argument("--mtu", type=int, default=1500, help="of both paths")
    parser.add_argument("--seed", default="1", help="of the generated files")
    parser.add_argument("--keep", action="store_true", help="leave homes, folders and logs")
    parser.add_argument("--dir", type=pathlib.Path, help="make the temporary directory here")
    options = parser.parse_args()
    if options.cut not in ("", "left", "right"):
        parser.error("--cut: left, right or '' is wanted")
    return options


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))       # cleans up as Ctrl-C does
    lab = weftlab.Lab(keep=options.keep, parent=options.dir)
    try:
        needed = 2 * (options.mib + 256) * trees.MIB
        free = shutil.disk_usage(lab.directory).free
        if free < needed:
            print(f"demo: {lab.directory.parent} has {free / MB:.0f} MB left and {needed / MB:.0f} MB are needed; "
                  "choose another place with --dir", file=sys.stderr)
            return 2
        return run(lab, options)
    except weftlab.LabError as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted, cleaning up", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)              # cleaning up is quick and not to be cut short
        lab.close()


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""Applies small deliberate faults to the source, one at a time, in a scratch copy, and shows which the tests catch.

    scripts/mutation.py                      # all of tests/mutation/mutants.toml, about a quarter of an hour
    scripts/mutation.py --only window slot   # those whose name contains one of these
    scripts/mutation.py --markdown           # the table as it stands in tests/README.md

For each: the fault is put in, what depends on it is built, the simulator sweeps --seeds seeds, and where that finds nothing
the unit tests that the entry names run. Before the first, the untouched source must pass both. The working tree is never
touched. Exit 0 only if every fault was caught.
"""
import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "tests/mutation/mutants.toml"
SIM = "tests/sim/weft_sim"
LIMIT_S = 600   # of one test: a fault that makes it hang was caught


class ListError(Exception):
    """mutants.toml does not fit the source."""


def all_mutants():
    with open(LIST, "rb") as file:
        return tomllib.load(file)["mutant"]


def misfits(mutants, text_of):
    """A sentence for each whose text does not stand once in its file: the source has changed under it."""
    for mutant in mutants:
        found = text_of(mutant["file"]).count(mutant["old"])
        if found != 1:
            yield f"{mutant['name']!r}: its text stands {found} times in {mutant['file']}, not once"


def read_list(only):
    mutants = all_mutants()
    for sentence in misfits(mutants, lambda name: (ROOT / name).read_text()):
        raise ListError(sentence)
    return [m for m in mutants if any(words in m["name"] for words in only)]


def scratch_copy(directory):
    """The files that git knows or would add, as they are now."""
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                           capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        if not (ROOT / name).is_file():
            continue
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, directory / name)


def unit_binary(suite):
    return f"tests/unit/{suite}/unit_{suite}"


class Scratch:
    def __init__(self, directory, seeds):
        self.source, self.build, self.seeds = directory, directory / "build", seeds
        scratch_copy(directory)
        subprocess.run(["meson", "setup", self.build, directory, "-Dbench=false", "-Dwerror=false"], check=True, capture_output=True)

    def make(self, targets):
        """None, or the last lines of the compiler."""
        done = subprocess.run(["ninja", "-C", self.build, *targets], capture_output=True, text=True)
        return None if done.returncode == 0 else "\n".join(done.stdout.splitlines()[-8:])

    def run(self, *command):
        """None if it passed, else a word on how it did not."""
        with open(self.build / "mutation.log", "w") as log:
            process = subprocess.Popen(command, cwd=self.build, stdout=log, stderr=subprocess.STDOUT,
                                       start_new_session=True)
            try:
                code = process.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return "hangs"
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        if code == 0:
            return None
        return "aborts" if code < 0 else "fails"

    def simulate(self):
        """None, or the seed and the checker that failed first."""
        how = self.run(self.build / SIM, "--sweep", str(self.seeds), "--first")
        if not how:
            return None
        found = re.search(r"^FAILED seed (\d+): ([^:]*):", (self.build / "mutation.log").read_text(), re.MULTILINE)
        return f"simulator, seed {found[1]}: {found[2]}" if found else f"simulator {how}"

    def unit(self, suites):
        for suite in suites:
            if how := self.run(self.build / unit_binary(suite)):
                return f"unit/{suite} {how}"
        return None

    def verdict(self, mutant):
        """What caught it, or None."""
        path = self.source / mutant["file"]
        original = path.read_text()
        path.write_text(original.replace(mutant["old"], mutant["new"]))
        try:
            if trouble := self.make([SIM]):
                print(trouble, flush=True)
                return None  # a fault that does not build shows nothing: the entry is to be mended
            if found := self.simulate():
                return found
            self.make([unit_binary(s) for s in mutant["unit"]])
            return self.unit(mutant["unit"])
        finally:
            path.write_text(original)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--only", default=[""], nargs="+", help="the mutants whose name contains one of these")
    parser.add_argument("--seeds", type=int, default=1000, help="of the simulator, for each")
    parser.add_argument("--markdown", action="store_true", help="print the table for tests/README.md at the end")
    return parser.parse_args()


def main():
    options = parse()
    rows = []
    try:
        mutants = read_list(options.only)
        with tempfile.TemporaryDirectory(prefix="weft-mutation-") as directory:
            scratch = Scratch(pathlib.Path(directory), options.seeds)
            suites = sorted({suite for mutant in mutants for suite in mutant["unit"]})
            print(f"mutation: {len(mutants)} faults; building the source as it is", flush=True)
            if trouble := scratch.make([SIM, *map(unit_binary, suites)]):
                raise ListError(f"the source as it is does not build:\n{trouble}")
            if how := scratch.simulate() or scratch.unit(suites):
                raise ListError(f"the source as it is does not pass: {how}")
            for mutant in mutants:
                started = time.monotonic()
                caught = scratch.verdict(mutant)
                rows.append((mutant["name"], mutant["file"], caught or "**nothing**"))
                print(f"{'caught' if caught else 'SURVIVED':>9}  {mutant['name']}  ({caught or 'nothing saw it'}, "
                      f"{time.monotonic() - started:.0f} s)", flush=True)
    except ListError as error:
        print(f"mutation: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    if options.markdown:
        print("\n| fault | file | seen by |\n|---|---|---|")
        for row in rows:
            print("| " + " | ".join((row[0], f"`{row[1]}`", row[2])) + " |")
    survived = sum(row[2] == "**nothing**" for row in rows)
    print(f"{len(rows) - survived} of {len(rows)} faults caught")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""Runs the built libFuzzer binaries and adds them up; called by fuzz.sh after the build.

Each fuzzer begins with its own seeds (the binary writes them), the kept corpus (tests/fuzz/corpus/NAME) and what earlier
runs found (BUILD/corpus/NAME, which only grows). A crash, a failed check, a sanitizer's report, a leak, 20 s or 2.5 GiB
for one input is a finding: exit code 1, its input goes to tests/fuzz/corpus/NAME/crash-… and is a test from then on.
"""
import argparse
import concurrent.futures
import dataclasses
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = ROOT / "tests/fuzz"
CORPUS = SOURCES / "corpus"
INPUT_SECONDS_MAX, INPUT_MIB_MAX = 20, 2560
KEPT_FILES_MAX, KEPT_BYTES_MAX = 60, 100 * 1024
FINDINGS = ("crash-", "leak-", "timeout-", "oom-")


def names_of_fuzzers():
    return sorted(path.stem for path in SOURCES.glob("*.cc") if "LLVMFuzzerTestOneInput(const" in path.read_text())


@dataclasses.dataclass
class Outcome:
    name: str
    executions: int = 0
    per_second: int = 0
    edges: int = 0
    found: int = 0              # new corpus files
    findings: list = dataclasses.field(default_factory=list)


class Fuzzer:
    def __init__(self, build, name):
        self.name = name
        self.binary = build / "tests/fuzz" / f"fuzz_{name}"
        self.seeds, self.work = build / "seeds" / name, build / "corpus" / name
        self.findings, self.logs = build / "findings" / name, build / "logs"
        self.kept = CORPUS / name
        shutil.rmtree(self.seeds, ignore_errors=True)
        shutil.rmtree(self.findings, ignore_errors=True)
        for folder in (self.seeds, self.work, self.findings, self.logs, self.kept):
            folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([self.binary, "--write-seeds", self.seeds], check=True)

    def environment(self):
        return dict(os.environ, ASAN_OPTIONS="detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
                    UBSAN_OPTIONS="print_stacktrace=1", ASAN_SYMBOLIZER_PATH="/usr/lib/llvm-16/bin/llvm-symbolizer")

    def run(self, seconds, copy):
        """One process for `seconds`; returns its Outcome."""
        command = [self.binary, f"-max_total_time={seconds}", f"-timeout={INPUT_SECONDS_MAX}",
                   f"-rss_limit_mb={INPUT_MIB_MAX}", "-print_final_stats=1", "-reload=10",
                   f"-artifact_prefix={self.findings}/", self.work, self.kept, self.seeds]
        dictionary = SOURCES / f"{self.name}.dict"
        if dictionary.exists():
            command.insert(1, f"-dict={dictionary}")
        log = self.logs / f"{self.name}-{copy}.log"
        with open(log, "wb") as out:
            code = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, env=self.environment(),
                                  check=False).returncode
        text = log.read_text(errors="replace")
        outcome = Outcome(self.name)
        outcome.executions = self.number(text, r"stat::number_of_executed_units:\s+(\d+)")
        outcome.per_second = self.number(text, r"stat::average_exec_per_sec:\s+(\d+)")
        outcome.found = self.number(text, r"stat::new_units_added:\s+(\d+)")
        outcome.edges = self.number(text, r"cov: (\d+)")
        outcome.findings = self.keep_findings()
        if code != 0 and not outcome.findings:
            outcome.findings = [f"exit code {code} without an input, see {log}"]
        return outcome

    @staticmethod
    def number(text, pattern):
        found = re.findall(pattern, text)
        return int(found[-1]) if found else 0

    def keep_findings(self):
        lines = []
        for path in sorted(self.findings.iterdir()):
            if not path.name.startswith(FINDINGS):      # slow units are no fault
                continue
            kept = self.kept / f"crash-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
            try:
                shutil.move(path, kept)
            except FileNotFoundError:                   # another copy of this fuzzer took it
                continue
            lines.append(f"{self.binary.relative_to(ROOT)} {kept.relative_to(ROOT)}")
        return lines

    def minimise(self):
        """The kept corpus anew: crash-… as they are, and the smallest inputs that reach what the seeds do not."""
        # In the build directory: the inputs are linked, not copied.
        with tempfile.TemporaryDirectory(dir=self.work.parent) as scratch:
            merged = pathlib.Path(scratch)
            for path in self.seeds.iterdir():
                shutil.copy(path, merged)
            seeds = {path.name for path in merged.iterdir()}
            # Edges only: how often each is taken would keep ten times as many.
            subprocess.run([self.binary, "-merge=1", "-use_counters=0", merged, self.kept, self.work],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.environment())
            chosen = sorted((path for path in merged.iterdir() if path.name not in seeds),
                            key=lambda path: path.stat().st_size)
            for path in self.kept.iterdir():
                if not path.name.startswith("crash-"):
                    path.unlink()
            left = KEPT_BYTES_MAX - sum(path.stat().st_size for path in self.kept.iterdir())
            for path in chosen[:KEPT_FILES_MAX]:
                left -= path.stat().st_size
                if left < 0:
                    break
                name = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
                if not (self.kept / f"crash-{name}").exists():
                    shutil.copy(path, self.kept / name)
        kept = list(self.kept.iterdir())
        print(f"{self.name:20} {len(kept):4} of {len(chosen):4} files, {sum(p.stat().st_size for p in kept):7} bytes",
              flush=True)


def fuzz(fuzzers, minutes, cores):
    """Runs all for their shares; returns the Outcome of each, in order."""
    copies = max(1, cores // len(fuzzers))
    seconds = max(1, round(minutes * 60 * cores / (len(fuzzers) * copies)))
    print(f"{len(fuzzers)} fuzzers, {seconds} s each, {copies} at once of each, on {cores} cores", flush=True)
    outcomes = {fuzzer.name: Outcome(fuzzer.name) for fuzzer in fuzzers}
    with concurrent.futures.ThreadPoolExecutor(cores) as pool:
        running = [pool.submit(fuzzer.run, seconds, copy) for fuzzer in fuzzers for copy in range(copies)]
        for future in concurrent.futures.as_completed(running):
            one = future.result()
            total = outcomes[one.name]
            total.executions += one.executions
            total.per_second += one.per_second
            total.found += one.found
            total.edges = max(total.edges, one.edges)
            total.findings += one.findings
            for line in one.findings:
                print(f"FOUND by {one.name}: {line}", flush=True)
    return list(outcomes.values())


def print_table(outcomes):
    rows = [("fuzzer", "executions", "exec/s", "edges", "new files", "crashes")]
    rows += [(o.name, o.executions, o.per_second, o.edges, o.found, len(o.findings)) for o in outcomes]
    rows += [("all", *(sum(column) for column in list(zip(*rows[1:]))[1:]))]
    for row in rows:
        print("| " + " | ".join(str(cell).ljust(18) if i == 0 else str(cell).rjust(10) for i, cell in enumerate(row)) + " |")
        if row is rows[0]:
            print("|" + "-" * 20 + "|" + "|".join("-" * 11 + ":" for _ in row[1:]) + "|")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--build", type=pathlib.Path, default=ROOT / "build-fuzz")
    options.add_argument("--keep", action="store_true", help="minimise what was found into the kept corpora")
    options.add_argument("--list", action="store_true")
    options.add_argument("arguments", nargs="*", metavar="[MINUTES] NAME")
    chosen = options.parse_args()
    known, wanted = names_of_fuzzers(), chosen.arguments
    if chosen.list:
        print("\n".join(known))
        return 0
    minutes = 0.0
    if not chosen.keep:
        try:
            minutes = float(wanted.pop(0))
        except (IndexError, ValueError):
            options.error("how many MINUTES?")
    if unknown := [name for name in wanted if name not in known]:
        options.error(f"no such fuzzer: {', '.join(unknown)} (see --list)")
    fuzzers = [Fuzzer(chosen.build.resolve(), name) for name in wanted or known]
    if chosen.keep:
        for fuzzer in fuzzers:
            fuzzer.minimise()
        return 0
    outcomes = fuzz(fuzzers, minutes, os.cpu_count() or 1)
    print_table(outcomes)
    return 1 if any(outcome.findings for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())

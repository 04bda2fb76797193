#!/usr/bin/python3
"""Runs the built tests and adds them up: meson's suites (GoogleTest binaries, simulator, lint) and pytest (tests/e2e).

Called by test.sh after the build. Counts single cases from the JUnit files that meson and pytest write; a program that
dies before it can report counts as one failed case. Prints what failed and what was skipped and why, and as
the last line "N passed, N failed[, N skipped]". Does not build and installs nothing.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
E2E_LIMIT_S = 20 * 60          # the whole of tests/e2e; single waits inside have their own deadlines
SLOW_FACTOR = 8                # of all deadlines, where programs are instrumented


class Tally:
    """What ran, by name."""

    def __init__(self):
        self.passed = 0
        self.failed = []         # (name, first line of the message)
        self.skipped = []

    def add_junit(self, path, label):
        """Adds every case of one file; False when there is none that can be read."""
        try:
            root = ElementTree.parse(path).getroot()
        except (OSError, ElementTree.ParseError):
            return False
        for suite in root.iter("testsuite"):
            for case in suite.findall("testcase"):
                where = case.get("classname") or suite.get("name") or label
                self._add_case(f"{where}.{case.get('name')}", case)
        return True

    def _add_case(self, name, case):
        bad = case.find("failure")
        if bad is None:
            bad = case.find("error")
        if bad is not None:
            self.failed.append((name, first_line(bad)))
        elif case.find("skipped") is not None:
            self.skipped.append((name, first_line(case.find("skipped"))))
        elif case.get("status") != "notrun":     # GoogleTest's word for a disabled or filtered case
            self.passed += 1


def first_line(element):
    text = (element.get("message") or element.text or "").strip()
    return text.splitlines()[0] if text else "no reason given"


def run_meson(build, tally, name_filter, suites=(), slow=False):
    """Unit tests, simulator, fuzzers' replays and lint. Their output is shown by meson only where they fail. `suites`:
    further arguments to choose."""
    log = "weft-tests"
    report = build / "meson-logs" / f"{log}.junit.xml"
    report.unlink(missing_ok=True)
    environment = dict(os.environ, PATH="/usr/bin:" + os.environ["PATH"])
    if name_filter:
        environment["GTEST_FILTER"] = f"*{name_filter}*"
    # These have no cases to choose from: named as a whole, or left out.
    suites = [*suites, *(f"--no-suite={suite}" for suite in ("lint", "fuzz", "sim")
                         if name_filter and suite not in name_filter)]
    if slow:
        suites += ["--timeout-multiplier", str(SLOW_FACTOR)]
    known = len(tally.failed)
    code = subprocess.run(["meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs", "--logbase", log,
                           *suites], env=environment, check=False).returncode
    if not tally.add_junit(report, "unit"):
        tally.failed.append(("meson test", f"left no report (exit code {code})"))
    elif code != 0 and len(tally.failed) == known:
        tally.failed.append(("meson test", f"exit code {code} without a failed case"))


def run_e2e(build, tally, name_filter, file="", slow=False):
    """Real daemons against each other and against stock Syncthing."""
    report = build / "meson-logs" / "e2e.junit.xml"
    report.unlink(missing_ok=True)
    command = ["/usr/bin/python3", "-m", "pytest", ROOT / "tests/e2e" / file, "-q", "-ra", "--tb=short",
               "-p", "no:cacheprovider", f"--junitxml={report}"]
    if name_filter:
        command += ["-k", name_filter]
    environment = dict(os.environ, WEFT_BINARY=os.environ.get("WEFT_BINARY", str(build / "weft")))
    limit_s = E2E_LIMIT_S
    if slow:
        limit_s *= SLOW_FACTOR
        environment["WEFT_PATIENCE"] = str(SLOW_FACTOR)
    known = len(tally.failed)
    with subprocess.Popen(command, env=environment) as process:
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            process.terminate()          # it closes its daemons and writes the report of what it has done
            code = process.wait()
            tally.failed.append(("tests/e2e", f"not finished after {limit_s} s"))
    if code == 5:                # pytest: nothing matched
        return
    if not tally.add_junit(report, "e2e"):
        tally.failed.append(("tests/e2e", f"pytest left no report (exit code {code})"))
    elif code != 0 and len(tally.failed) == known:
        tally.failed.append(("tests/e2e", f"pytest ended with exit code {code} without a failed case"))


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    options.add_argument("--quick", action="store_true", help="no tests/e2e, no simulator")
    options.add_argument("--no-e2e", action="store_true", help="no tests/e2e")
    options.add_argument("--no-meson", action="store_true", help="tests/e2e only")
    options.add_argument("--no-suite", action="append", default=[], metavar="SUITE", help="of meson's, may be repeated")
    options.add_argument("--e2e-file", default="", metavar="NAME", help="only this file of tests/e2e")
    options.add_argument("--slow", action="store_true", help=f"deadlines {SLOW_FACTOR} times as long")
    options.add_argument("--filter", default="", metavar="NAME")
    chosen = options.parse_args()
    build = chosen.build.resolve()

    tally = Tally()
    started = time.monotonic()
    left_out = [*chosen.no_suite, *(["sim"] if chosen.quick else [])]
    if not chosen.no_meson:
        run_meson(build, tally, chosen.filter, [f"--no-suite={suite}" for suite in left_out], chosen.slow)
    after_unit = time.monotonic()
    if not chosen.quick and not chosen.no_e2e:
        run_e2e(build, tally, chosen.filter, chosen.e2e_file, chosen.slow)
    ended = time.monotonic()

    print(f"\nunit, simulator and lint took {after_unit - started:.0f} s, end to end {ended - after_unit:.0f} s")
    for title, cases in (("skipped", tally.skipped), ("FAILED", tally.failed)):
        for name, reason in cases:
            print(f"{title}: {name}: {reason}")
    ran = tally.passed + len(tally.failed)
    if ran == 0:
        print("nothing ran")
    line = f"{tally.passed} passed, {len(tally.failed)} failed"
    if tally.skipped:
        line += f", {len(tally.skipped)} skipped"
    print(line, flush=True)
    return 1 if tally.failed or ran == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

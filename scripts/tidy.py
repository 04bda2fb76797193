#!/usr/bin/python3
"""Reads the C++ sources and checks what a compiler does not: sizes, opening comments, the direction of includes,
which library is included where, what is said of atomics. Prints TAP (one test per rule), so meson counts each rule as
a case.

    scripts/tidy.py            every rule, with its warnings
    scripts/tidy.py --quiet    without the warnings
    scripts/tidy.py --sizes    how long files and functions are, by folder

The rules are tables below, in lint_atomics.py and in lint_sizes.py; an exception is a line in a table with its reason.
tests/lint shows for each rule that it is broken by what it is about.
"""
import dataclasses
import fnmatch
import functools
import pathlib
import re
import sys

import cpp_text
import lint_atomics
import lint_sizes
import mutation

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE_FOLDERS = ("engine", "sched", "health", "migrate", "bep", "bench", "tests")

# Includes go one way: a file may include its own folder and folders of a lower number.
RANK = {
    "engine/base": 0,
    "engine/share": 1,
    "engine/wire": 2,      # wire reads share's lane keys
    "sched": 3, "health": 3, "migrate": 3, "bep/proto": 3,
    "bep/net": 4, "engine/nic": 4, "engine/disk": 4,
    "bep/model": 5,        # beside net, but it speaks over net's links
    "engine/run": 6,
    "engine/api": 7,
    "engine/lab": 8,
    "engine/cli": 9,
}
TOPS = {rank.split("/")[0] for rank in RANK} - {"bep", "engine"}

PURE = ("engine/wire", "sched", "health", "migrate", "bep/proto")
# What pure code has no use for: threads, clocks, files, sockets, chance.
IMPURE = r"<(thread|mutex|condition_variable|future|atomic|chrono|ctime|time\.h|random|fstream|iostream|filesystem|" \
         r"unistd\.h|fcntl\.h|poll\.h|sys/\S+|netinet/\S+|arpa/\S+|net/\S+|pthread\.h)>"

# Library header -> the only files that include it (fnmatch patterns, tests included).
LIBRARIES = [
    (r"<rte_", ["engine/nic/*", "tests/unit/nic/*", "tests/fuzz/nic_*"]),
    (r"<liburing", ["engine/disk/ring.hh", "engine/disk/*.cc"]),
    (r"<openssl/", ["engine/wire/*.cc", "bep/net/identity.*", "bep/net/tls*", "bep/proto/sha256.cc",
                    "bep/model/hasher.cc",        # block hashes, streamed
                    "bep/model/config_edit.cc",   # a random API key
                    "bep/model/index_db.cc",      # a random index ID
                    "engine/run/engine.cc",       # random challenges
                    "engine/run/datapath.cc",     # random receiver indexes
                    "engine/run/weft_session.cc", # wipes a session's secret
                    "tests/*", "bench/*"]),
    (r"<(cpuid|immintrin)\.h>", ["engine/wire/sha256_ni.cc"]),   # the compiler's own: instructions of one kind of CPU
    (r"<(intel-)?ipsec[-_]mb", ["engine/wire/aead_ipsec_mb.cc"]),
    (r"<google/protobuf|\.pb\.h[\">]", ["bep/proto/*", "tests/unit/proto/*"]),
    (r"<lz4", ["bep/proto/*.cc", "tests/unit/proto/*"]),
    (r"<sqlite3", ["bep/model/index_*", "tests/unit/model/*"]),
    (r"<boost/beast", ["engine/api/*", "engine/cli/*", "tests/unit/api/*"]),
    (r"<boost/(asio|system)", ["bep/net/*", "bep/model/*", "engine/run/*", "engine/api/*", "engine/cli/*", "tests/*"]),
    (r"<spdlog", ["engine/base/log*"]),
    (r"<nlohmann/", ["engine/api/*", "engine/lab/*", "engine/cli/*", "tests/*"]),
    (r"<pugixml", ["bep/model/config_*", "engine/lab/junit.*", "tests/unit/model/*", "tests/unit/lab/*"]),
    (r"<toml\+\+", ["bep/model/toml_reader.*"]),
    (r"<CLI/", ["engine/cli/*", "tests/sim/main.cc"]),
    (r"<prometheus/", ["engine/api/*", "tests/unit/api/*"]),
    # Memory order is shared's business alone (lint_atomics.py); the others own a thread or a flag that ends one.
    (r"<atomic>", [*lint_atomics.ATOMICS, "tests/*"]),
    (r"<(thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier|stop_token|pthread\.h)>",
     ["engine/nic/device_thread.*",   # DPDK's interrupt thread
      "engine/nic/eal.cc",            # registers threads with DPDK
      "engine/nic/host_path.*",       # owns the thread that waits for a TAP interface
      "engine/disk/disk_agent.*",     # knows the thread that runs it
      "engine/run/engine.*",          # owns the cores' threads
      "engine/run/daemon.cc",         # how many CPUs there are
      "bep/model/workers.*",          # owns the hashing threads
      "tests/*"]),
    (r"<fmt/", ["engine/api/*", "engine/lab/*", "engine/cli/*"]),
    (r"<tl/expected", ["engine/base/result.hh", "bep/*", "engine/*", "tests/*"]),
    (r"<gtest/|<benchmark/|<sanitizer/", ["tests/*", "bench/*"]),
    (r"<cassert>|<assert\.h>", []),               # MUST, which no build option removes
    (r"<iostream>", ["engine/cli/*", "tests/*"]),
    (r"<regex>", ["tests/*"]),
]

# The language's and the kernel's own headers; any other one is a library and belongs into the table above.
STANDARD = r"<([a-z_0-9]+|(sys|net|netinet|arpa|linux)/\w+\.h|(dirent|errno|fcntl|ifaddrs|malloc|poll|pwd|sched|signal|spawn|stdio|" \
           r"stdlib|string|strings|time|ucontext|unistd|wchar)\.h)>"

@dataclasses.dataclass
class Source:
    name: str           # path from the root
    lines: list
    includes: list      # (line number, text from < or " on)

    @functools.cached_property
    def code(self):
        """The lines without comments and without the contents of literals."""
        return cpp_text.code_only("\n".join(self.lines)).split("\n")

    @functools.cached_property
    def functions(self):
        return cpp_text.functions("\n".join(self.code))

    @property
    def folder(self):
        return self.name.rsplit("/", 1)[0]

    @property
    def is_test(self):
        return self.name.startswith(("tests/", "bench/"))


def read_source(name, text):
    lines = text.splitlines()
    includes = [(number, match.group(1)) for number, line in enumerate(lines, 1)
                if (match := re.match(r'\s*#\s*include\s+([<"].*)', line))]
    return Source(name, lines, includes)


def read_sources():
    return [read_source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
            for top in SOURCE_FOLDERS for path in sorted((ROOT / top).rglob("*"))
            if path.suffix in (".cc", ".hh") and path.is_file()]


def check_opening_comments(sources):
    for source in sources:
        if not source.lines or not source.lines[0].startswith("//"):
            if source.name.endswith(".hh"):
                yield "fail", f"{source.name}: does not open with a comment that says what it is"
            elif not source.is_test:
                yield "warn", f"{source.name}: does not open with a comment"


def folder_of_include(text):
    parts = text[1:].split("/")
    two = "/".join(parts[:2])
    return two if two in RANK else parts[0] if parts[0] in TOPS else None


def check_direction(sources):
    for source in sources:
        own = RANK.get(source.folder)
        if own is None:
            if not source.is_test:
                yield "fail", f"{source.name}: the folder {source.folder} has no place in the order of includes"
            continue
        for number, text in source.includes:
            folder = folder_of_include(text)
            if folder and folder != source.folder and RANK[folder] >= own:
                yield "fail", f"{source.name}:{number}: {source.folder} does not include {folder}"
            if text.startswith('"') and not folder and not text.endswith('.pb.h"'):
                yield "fail", f"{source.name}:{number}: {text} is not a path from the root"


def check_libraries(sources):
    for source in sources:
        for number, text in source.includes:
            for pattern, allowed in LIBRARIES:
                if re.search(pattern, text) and not any(fnmatch.fnmatch(source.name, entry) for entry in allowed):
                    yield "fail", f"{source.name}:{number}: {text} belongs to {', '.join(allowed) or 'no file'}"
            known = any(re.search(pattern, text) for pattern, _ in LIBRARIES) or re.match(STANDARD, text)
            if text.startswith("<") and not known:
                yield "fail", f"{source.name}:{number}: {text} is of a library that is not in the table"


def check_throws(sources):
    """What fails is a Result; what libraries throw is caught in the file that calls them."""
    for source in sources:
        for number, line in enumerate(source.code, 1):
            if not source.is_test and re.search(r"\bthrow\b", line):
                yield "fail", f"{source.name}:{number}: our code does not throw"


def check_purity(sources):
    for source in sources:
        if source.folder in PURE:
            for number, text in source.includes:
                if re.match(IMPURE, text):
                    yield "fail", f"{source.name}:{number}: {text} in a pure folder"


def check_own_header_first(sources):
    names = {source.name for source in sources}
    for source in sources:
        header = source.name[:-3] + ".hh"
        if source.name.endswith(".cc") and header in names and source.includes:
            if source.includes[0][1] != f'"{header}"':
                yield "fail", f"{source.name}: includes {header} not first, so nothing proves that it stands alone"


def check_guards(sources):
    for source in sources:
        if source.name.endswith(".hh") and "#pragma once" not in source.lines:
            yield "fail", f"{source.name}: no #pragma once"


def check_todo(sources):
    for source in sources:
        for number, line in enumerate(source.lines, 1):
            if re.search(r"\b(TODO|FIXME)\b(?!\(#\d+\))", line):
                yield "fail", f"{source.name}:{number}: TODO without an issue number"


def check_readmes(sources):
    folders = {source.folder for source in sources if source.folder in RANK}
    for folder in sorted(folders):
        if not (ROOT / folder / "README.md").is_file():
            yield "fail", f"{folder}: no README.md"


def check_deliberate_faults(_sources):
    """Those of tests/mutation/mutants.toml, so that none is lost when its line is written anew."""
    for sentence in mutation.misfits(mutation.all_mutants(), lambda name: (ROOT / name).read_text(encoding="utf-8")):
        yield "fail", sentence


def check_pure_libraries(_sources):
    """A library that is built as pure is read by symbols.py (tests/lint/meson.build)."""
    for path in sorted(ROOT.glob("*/**/meson.build")):
        if path.relative_to(ROOT).parts[0] in SOURCE_FOLDERS:
            yield from unlisted_pure_libraries(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))


def unlisted_pure_libraries(name, text):
    for match in re.finditer(r"^(\w+) = static_library\(", text, re.MULTILINE):
        arguments = text[match.end():]
        arguments = arguments[:following.start()] if (following := re.search(r"^\w", arguments, re.MULTILINE)) else arguments
        library = match.group(1)
        if "pure_options" in arguments and not re.search(rf"pure_libs \+= \[\[{library}, '(data|pure)'\]\]", text):
            yield "fail", f"{name}: {library} is built as pure and not in pure_libs, so nobody reads its symbols"


RULES = [
    ("files are small", lint_sizes.check_files),
    ("functions are short", lint_sizes.check_functions),
    ("lines are not too wide", lint_sizes.check_columns),
    ("files open with a comment", check_opening_comments),
    ("includes go one way", check_direction),
    ("libraries stay in the files that wrap them", check_libraries),
    ("pure folders include nothing impure", check_purity),
    ("pure libraries have their symbols read", check_pure_libraries),
    ("atomics stay in the files that may have them", lint_atomics.check_places),
    ("each atomic says who touches it and in which orders", lint_atomics.check_comments),
    ("our code does not throw", check_throws),
    ("a .cc includes its own header first", check_own_header_first),
    ("headers are guarded", check_guards),
    ("no TODO without an issue", check_todo),
    ("each folder has a README", check_readmes),
    ("each deliberate fault fits its file", check_deliberate_faults),
]


def main():
    sources = read_sources()
    if not sources:
        print("Bail out! no sources found")
        return 1
    if "--sizes" in sys.argv[1:]:
        lint_sizes.print_sizes(sources)
        return 0
    quiet = "--quiet" in sys.argv[1:]
    print(f"1..{len(RULES)}")
    failed = False
    for number, (title, rule) in enumerate(RULES, 1):
        found = list(rule(sources))
        faults = [text for kind, text in found if kind == "fail"]
        failed = failed or bool(faults)
        print(f"{'not ok' if faults else 'ok'} {number} - {title}")
        for text in faults:
            print(f"#   {text}")
        warnings = [text for kind, text in found if kind == "warn"]
        if warnings and not quiet:
            print(f"#   {len(warnings)} to look at:")
            for text in warnings:
                print(f"#     {text}")
    for line in lint_sizes.summary(sources):
        print(f"# {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

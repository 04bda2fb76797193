#!/usr/bin/python3
"""Reads the C++ sources and checks what a compiler does not: sizes, opening comments, the direction of includes,
and which library is included where. Prints TAP (one test per rule), so meson counts each rule as a case.

The rules are tables below; an exception is a line in a table with its reason. Sizes warn first and fail later: a file
over 300 lines is a question, a file over 500 is a fault.
"""
import dataclasses
import fnmatch
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE_FOLDERS = ("engine", "sched", "health", "migrate", "bep", "bench", "tests")

LINES_WARN, LINES_MAX, TEST_LINES_MAX = 300, 500, 800
FUNCTION_WARN, FUNCTION_MAX = 70, 100
COLUMNS_WARN, COLUMNS_MAX = 100, 130   # 100 is the rule; a table or a signature may read better a little wider

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
    "engine/cli": 8,
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
    (r"<openssl/", ["engine/wire/*.cc", "bep/net/identity.*", "bep/net/tls.*", "bep/proto/sha256.cc",
                    "bep/model/hasher.cc",        # block hashes, streamed
                    "bep/model/config_edit.cc",   # a random API key
                    "bep/model/index_db.cc",      # a random index ID
                    "engine/run/engine.cc",       # random lane indexes
                    "engine/run/weft_session.cc", # random session IDs
                    "tests/*", "bench/*"]),
    (r"<(intel-)?ipsec[-_]mb", ["engine/wire/aead_ipsec_mb.cc"]),
    (r"<google/protobuf|\.pb\.h[\">]", ["bep/proto/*", "tests/unit/proto/*"]),
    (r"<lz4", ["bep/proto/*.cc", "tests/unit/proto/*"]),
    (r"<sqlite3", ["bep/model/index_*", "tests/unit/model/*"]),
    (r"<boost/beast", ["engine/api/*", "engine/cli/*", "tests/unit/api/*"]),
    (r"<boost/asio", ["bep/net/*", "bep/model/*", "engine/run/*", "engine/api/*", "engine/cli/*", "tests/*"]),
    (r"<spdlog", ["engine/base/log*"]),
    (r"<nlohmann/", ["engine/api/*", "engine/cli/*", "tests/*"]),
    (r"<pugixml", ["bep/model/config_*", "tests/unit/model/*"]),
    (r"<toml\+\+", ["bep/model/toml_reader.*"]),
    (r"<CLI/", ["engine/cli/*"]),
    (r"<prometheus/", ["engine/api/*", "tests/unit/api/*"]),
    # Memory order is shared's business alone; the others own a thread or a flag that ends one.
    (r"<atomic>", ["engine/share/*", "engine/base/log.cc", "engine/run/*", "tests/*"]),
    (r"<cassert>|<assert\.h>", []),               # MUST, which no build option removes
    (r"<iostream>", ["engine/cli/*", "tests/*"]),
    (r"<regex>", ["tests/*"]),
]

# Files that may be longer, with the reason.
LONG_FILES = {}


@dataclasses.dataclass
class Source:
    name: str           # path from the root
    lines: list
    includes: list      # (line number, text from < or " on)

    @property
    def folder(self):
        return self.name.rsplit("/", 1)[0]

    @property
    def is_test(self):
        return self.name.startswith(("tests/", "bench/"))


def read_sources():
    found = []
    for top in SOURCE_FOLDERS:
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in (".cc", ".hh") and path.is_file():
                lines = path.read_text(encoding="utf-8").splitlines()
                includes = [(number, match.group(1)) for number, line in enumerate(lines, 1)
                            if (match := re.match(r'\s*#\s*include\s+([<"].*)', line))]
                found.append(Source(path.relative_to(ROOT).as_posix(), lines, includes))
    return found


def check_file_sizes(sources):
    for source in sources:
        count, limit = len(source.lines), TEST_LINES_MAX if source.is_test else LINES_MAX
        if count > limit and source.name not in LONG_FILES:
            yield "fail", f"{source.name}: {count} lines, at most {limit}"
        elif count > LINES_WARN and not source.is_test:
            yield "warn", f"{source.name}: {count} lines"


def check_columns(sources):
    for source in sources:
        wide = [number for number, line in enumerate(source.lines, 1) if len(line) > COLUMNS_WARN]
        for number in wide:
            if len(source.lines[number - 1]) > COLUMNS_MAX:
                yield "fail", f"{source.name}:{number}: {len(source.lines[number - 1])} columns, at most {COLUMNS_MAX}"
        if wide:
            yield "warn", f"{source.name}: {len(wide)} lines over {COLUMNS_WARN} columns"


def functions(source):
    """(first line, lines) of each function body, by indentation: a line that opens a brace after a parameter list, and
    the next line that is only a closing brace at the same depth."""
    start = None
    for number, line in enumerate(source.lines, 1):
        text = line.strip()
        depth = len(line) - len(line.lstrip())
        if start is None:
            opens = text.endswith("{") and ")" in text and depth <= 2
            if opens and not re.match(r"(namespace|class|struct|enum|union|if|for|while|switch|else|do|#)\b", text):
                start, start_depth = number, depth
        elif text in ("}", "};") and depth <= start_depth:
            yield start, number - start + 1
            start = None


def check_functions(sources):
    for source in sources:
        for start, length in functions(source):
            if length > FUNCTION_MAX and not source.is_test:
                yield "fail", f"{source.name}:{start}: function of {length} lines, at most {FUNCTION_MAX}"
            elif length > FUNCTION_WARN:
                yield "warn", f"{source.name}:{start}: function of {length} lines"


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


RULES = [
    ("files are small", check_file_sizes),
    ("functions are short", check_functions),
    ("lines are not too wide", check_columns),
    ("files open with a comment", check_opening_comments),
    ("includes go one way", check_direction),
    ("libraries stay in the files that wrap them", check_libraries),
    ("pure folders include nothing impure", check_purity),
    ("a .cc includes its own header first", check_own_header_first),
    ("headers are guarded", check_guards),
    ("no TODO without an issue", check_todo),
    ("each folder has a README", check_readmes),
]


def main():
    sources = read_sources()
    if not sources:
        print("Bail out! no sources found")
        return 1
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
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

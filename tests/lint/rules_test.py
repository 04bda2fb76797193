#!/usr/bin/python3
"""Shows that each rule of scripts/tidy.py and scripts/symbols.py is broken by what it is about, and kept by what it is
not about. Prints TAP, one test per rule or way to break it; a rule without a case here is a failure.

Sources are made up as text; libraries are compiled from a few lines, because what counts is what the compiler makes.
"""
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import cpp_text      # noqa: E402  (found by the line above)
import lint_atomics  # noqa: E402
import lint_sizes    # noqa: E402
import mutation      # noqa: E402
import symbols       # noqa: E402
import tidy          # noqa: E402

HEADER = "// What it is.\n#pragma once\n"
SAID = """// writer: one; reader: the other.
//   relaxed  its own word.
"""


def lines(count, line="int x;\n"):
    return "// What it is.\n" + line * (count - 1)


def function(count):
    return "// What it is.\nint f(int a,\n      int b) {\n" + "  a += b;\n" * (count - 3) + "}\n"


# rule -> [(what, {file: text}, words of the fault; none: it must be kept)]
CASES = {
    lint_sizes.check_files: [
        ("500 lines", {"sched/a.cc": lines(500)}, None),
        ("501 lines", {"sched/a.cc": lines(501)}, "501 lines, at most 500"),
        ("801 lines of test", {"tests/unit/sched/a.cc": lines(801)}, "at most 800")],
    lint_sizes.check_functions: [
        ("70 lines", {"sched/a.cc": function(70)}, None),
        ("71 lines, with a head of two", {"sched/a.cc": function(71)}, "sched/a.cc:2: f() of 71 lines"),
        ("71 lines of test", {"tests/a.cc": function(71)}, None),
        ("a long class is no function", {"sched/a.hh": HEADER + "class A {\n" + "  int a;\n" * 90 + "};\n"}, None),
        ("a long method is one", {"sched/a.hh": HEADER + "class A {\n  void f() {\n" + "g();\n" * 90 + "}\n};\n"},
         "f() of 92 lines"),
        ("a constructor with members", {"sched/a.cc": "A::A(int a) : a_{a}, b_(a) {\n" + "f();\n" * 90 + "}\n"},
         "A::A() of 92 lines")],
    lint_sizes.check_columns: [
        ("130 columns", {"sched/a.cc": "// " + "x" * 127}, None),
        ("131 columns", {"sched/a.cc": "// " + "x" * 128}, "131 columns")],
    tidy.check_opening_comments: [
        ("a comment", {"sched/a.hh": HEADER}, None),
        ("none", {"sched/a.hh": "#pragma once\n"}, "does not open with a comment")],
    tidy.check_direction: [
        ("downwards", {"sched/a.cc": '#include "engine/wire/packet.hh"\n'}, None),
        ("its own folder", {"sched/a.cc": '#include "sched/lane.hh"\n'}, None),
        ("upwards", {"engine/wire/a.cc": '#include "sched/lane.hh"\n'}, "engine/wire does not include sched"),
        ("sideways", {"sched/a.cc": '#include "health/monitor.hh"\n'}, "sched does not include health"),
        ("model into the data plane", {"engine/nic/a.cc": '#include "bep/model/config.hh"\n'}, "does not include"),
        ("a path from nowhere", {"sched/a.cc": '#include "lane.hh"\n'}, "not a path from the root"),
        ("tests from production", {"sched/a.cc": '#include "tests/unit/sched/link_sim.hh"\n'}, "not a path from"),
        ("a folder without a place", {"engine/new/a.cc": "int x;\n"}, "no place in the order")],
    tidy.check_libraries: [
        ("DPDK", {"engine/run/a.cc": "#include <rte_mbuf.h>\n"}, "belongs to engine/nic/*"),
        ("DPDK where it belongs", {"engine/nic/a.cc": "#include <rte_mbuf.h>\n"}, None),
        ("io_uring", {"engine/run/a.cc": "#include <liburing.h>\n"}, "belongs to engine/disk"),
        ("OpenSSL", {"sched/a.cc": "#include <openssl/evp.h>\n"}, "belongs to engine/wire"),
        ("protobuf", {"bep/model/a.cc": '#include "bep/proto/bep.pb.h"\n'}, "belongs to bep/proto/*"),
        ("SQLite", {"engine/api/a.cc": "#include <sqlite3.h>\n"}, "belongs to bep/model/index_*"),
        ("Beast", {"bep/net/a.cc": "#include <boost/beast/http.hpp>\n"}, "belongs to engine/api/*"),
        ("atomics", {"engine/run/a.cc": "#include <atomic>\n"}, "belongs to engine/share/memory.hh"),
        ("threads", {"engine/api/a.cc": "#include <thread>\n"}, "belongs to engine/nic/device_thread.*"),
        ("assert", {"sched/a.cc": "#include <cassert>\n"}, "belongs to no file"),
        ("a library nobody has heard of", {"sched/a.cc": "#include <zstd.h>\n"}, "not in the table")],
    tidy.check_purity: [
        ("a clock", {"health/a.cc": "#include <chrono>\n"}, "in a pure folder"),
        ("a file", {"bep/proto/a.cc": "#include <fcntl.h>\n"}, "in a pure folder"),
        ("bytes", {"health/a.cc": "#include <cstring>\n"}, None)],
    lint_atomics.check_places: [
        ("std::atomic", {"engine/run/a.hh": "std::atomic<int> a;\n"}, "std::atomic belongs to engine/share/memory.hh"),
        ("in a comment", {"engine/run/a.hh": "// std::atomic\n"}, None),
        ("the compiler's own", {"engine/share/a.hh": "__atomic_load_n(&x, 0);\n"}, "belongs to no file"),
        ("volatile", {"engine/nic/a.cc": "volatile int a;\n"}, "volatile belongs to"),
        ("DPDK's", {"engine/nic/a.cc": "rte_smp_wmb();\n"}, "rte_smp_wmb belongs to no file")],
    lint_atomics.check_comments: [
        ("all said", {"engine/share/a.hh": SAID + "Atomic<int> a_{0};\nint f() { return a_.load(memory_order_relaxed); }\n"},
         None),
        ("no reader", {"engine/share/a.hh": "// writer: one.\nAtomic<int> a_{0};\n"}, "does not name the reader"),
        ("an order not explained",
         {"engine/share/a.hh": SAID + "Atomic<int> a_{0};\nint f() { return a_.load(std::memory_order_acquire); }\n"},
         "does not explain acquire"),
        ("an order that is not there", {"engine/share/a.hh": SAID + "Atomic<int> a_{0};\n"},
         "explains relaxed, which no operation has"),
        ("an operation without an order", {"engine/share/a.hh": SAID + "Atomic<int> a_{0};\nint f() { return a_.load(); }\n"},
         "does not say its memory order"),
        ("an operation in the .cc",
         {"engine/run/a.hh": SAID + "std::atomic<bool> stop{false};\n", "engine/run/a.cc": "c->stop.store(true);\n"},
         "engine/run/a.cc:1: an operation on stop does not say"),
        ("through the structures' own alias",
         {"engine/share/a.hh": "using Index = typename Mem::template Atomic<int>;\nalignas(kBytes) Index tail_{0};\n"},
         "tail_: its comment does not name the writer")],
    tidy.check_throws: [
        ("a throw", {"bep/model/a.cc": "throw 1;\n"}, "our code does not throw"),
        ("a word", {"bep/model/a.cc": "// throw\nauto text = \"throw\";\n"}, None)],
    tidy.check_own_header_first: [
        ("last", {"sched/a.hh": HEADER, "sched/a.cc": '#include <array>\n#include "sched/a.hh"\n'}, "not first"),
        ("first", {"sched/a.hh": HEADER, "sched/a.cc": '#include "sched/a.hh"\n#include <array>\n'}, None)],
    tidy.check_guards: [
        ("none", {"sched/a.hh": "// What it is.\n"}, "no #pragma once")],
    tidy.check_todo: [
        ("without a number", {"sched/a.cc": "// TO" + "DO: later\n"}, "without an issue number"),
        ("with one", {"sched/a.cc": "// TO" + "DO(#3): later\n"}, None)],
    tidy.check_readmes: [("a folder with one", {"engine/base/a.cc": "int x;\n"}, None)],
    tidy.check_pure_libraries: [],   # below: it reads meson's files, not sources
    tidy.check_deliberate_faults: [],   # below: it reads mutants.toml
}
MESON = "x_lib = static_library('x', 'x.cc',\n  override_options: pure_options)\n"

# kind -> [(what, C++, words of the fault; none: it must be kept)]
LIBRARIES = {
    "data": [
        ("arithmetic and bytes",
         'extern "C" void* memcpy(void*, const void*, unsigned long);\n'
         "void f(void* a, void* b, unsigned long n) { memcpy(a, b, n); }", None),
        ("new", "int* f() { return new int; }", "f() allocates: operator new(unsigned long)"),
        ("malloc", 'extern "C" void* malloc(unsigned long); void* f() { return malloc(9); }', "allocates: malloc"),
        ("a vector", "#include <vector>\nint f(int n) { std::vector<int> v(n); return v.data()[0]; }", "allocates"),
        ("a lock", "#include <mutex>\nstd::mutex m;\nvoid f() { m.lock(); }", "locks, sleeps or touches a thread"),
        ("a magic static", "struct S { S(); int a; };\nint f() { static S s; return s.a; }", "__cxa_guard_acquire"),
        ("a clock", "#include <chrono>\nlong f() { return std::chrono::steady_clock::now().time_since_epoch().count(); }",
         "reads a clock"),
        ("a system call", 'extern "C" int open(const char*, int, ...); int f() { return open("a", 0); }', "does I/O: open"),
        ("one that nobody has listed", 'extern "C" int memfd_create(const char*, unsigned); '
         'int f() { return memfd_create("a", 0); }', "memfd_create, which is not known to be harmless"),
        ("dice", 'extern "C" int rand(); int f() { return rand(); }', "rolls dice: rand"),
        ("impure code of ours", "namespace weft::base { void log(); }\nvoid f() { weft::base::log(); }",
         "code of ours that is not under this rule: weft::base::log()"),
        ("pure code of ours", "namespace weft { void g() {} }\nvoid f() { weft::g(); }", None)],
    "pure": [
        ("new", "int* f() { return new int; }", None),
        ("a throw", "void f() { throw 1; }", None),
        ("a system call", 'extern "C" long read(int, void*, unsigned long); long f() { return read(0, 0, 0); }',
         "does I/O: read")],
}
THROWING = ("a throw", "void f() { throw 1; }", "throws: __cxa_throw")   # only visible where exceptions are on


def compile_library(folder, code, exceptions):
    source, object_file, library = folder / "a.cc", folder / "a.o", folder / "libx.a"
    source.write_text(code + "\n", encoding="utf-8")
    for command in (["g++", "-std=c++20", "-O1", "-fPIC", "-c", "-fno-rtti", "-flto", "-ffat-lto-objects",
                     "-fexceptions" if exceptions else "-fno-exceptions", source, "-o", object_file],
                    ["ar", "rcs", library, object_file]):
        subprocess.run(command, check=True, capture_output=True)
    return str(library)


def judge(found, words):
    if words is None:
        return [] if not found else [f"is refused: {found[0]}"]
    return [] if any(words in text for text in found) else [f"no fault says \"{words}\", but: {found or 'none found'}"]


def rule_results():
    for _, rule in tidy.RULES:
        yield f"{rule.__name__} has a case", [] if rule in CASES else ["add one to tests/lint/rules_test.py"]
    for rule, cases in CASES.items():
        for what, files, words in cases:
            sources = [tidy.read_source(name, text) for name, text in files.items()]
            yield f"{rule.__name__}: {what}", judge([text for kind, text in rule(sources) if kind == "fail"], words)
    with tempfile.TemporaryDirectory() as folder:
        root, tidy.ROOT = tidy.ROOT, pathlib.Path(folder)
        faults = [text for _, text in tidy.check_readmes([tidy.read_source("engine/base/a.cc", "int x;\n")])]
        tidy.ROOT = root
    yield "check_readmes: a folder without one", judge(faults, "engine/base: no README.md")
    for what, text, words in (("not listed", MESON, "x_lib is built as pure"),
                              ("listed", MESON + "pure_libs += [[x_lib, 'data']]\n", None)):
        faults = [text for _, text in tidy.unlisted_pure_libraries("x/meson.build", text)]
        yield f"unlisted_pure_libraries: {what}", judge(faults, words)
    for what, text, words in (("once", "int a;\nint b;\n", None), ("gone", "int b;\n", "stands 0 times in a.cc"),
                              ("twice", "int a;\nint a;\n", "stands 2 times in a.cc")):
        faults = list(mutation.misfits([{"name": "a fault", "file": "a.cc", "old": "int a;"}], lambda _, text=text: text))
        yield f"misfits: {what}", judge(faults, words)


def symbol_results(folder):
    for kind, cases in LIBRARIES.items():
        for what, code, words in cases + ([THROWING] if kind == "data" else []):
            library = compile_library(folder, code, exceptions="throw" in code)
            yield f"{kind}: {what}", judge(list(symbols.faults(library, kind, symbols.defined(library))), words)


def text_results():
    code = cpp_text.code_only('int a; // "x\nchar b = \'"\'; f("//\\"", R"(}")"); /* {\n */ int c = 1\'000;\n')
    kept = "{" not in code and "}" not in code and code.count("\n") == 3 and "int c = 1'000;" in code
    yield "comments and literals are blanked in their places", [] if kept else [repr(code)]
    names = [f.name for f in cpp_text.functions(cpp_text.code_only(
        "namespace a {\nstruct B { int x = f(1); B() : y{2} { g(); } int h(int q = {}) const { return q; } int y; };\n"
        "constexpr int kTable[] = {f(1), 2};\nauto k(int z) -> int { if (z) { return 1; } return [&] { return z; }(); }\n"
        "template <typename T>\n  requires(sizeof(T) > 1)\nbool operator==(T, T) { return true; }\n}\n"))]
    yield "functions are found and nothing else", [] if names == ["B", "h", "k", "operator=="] else [str(names)]


def main():
    number = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for results in (text_results(), rule_results(), symbol_results(pathlib.Path(folder))):
            for name, faults in results:
                number += 1
                failed += bool(faults)
                print(f"{'not ok' if faults else 'ok'} {number} - {name}")
                for text in faults:
                    print(f"#   {text}")
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

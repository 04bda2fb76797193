#!/usr/bin/python3
"""Reads what the pure libraries call from elsewhere and proves that nothing in them can allocate, throw, lock, read a
clock or make a system call: what is not referenced cannot be called. Prints TAP, one test per library.

    scripts/symbols.py build/sched/libweft_sched.a=data build/bep/proto/libweft_proto.a=pure ...

data: code of the packet path and what decides for it. It may call the harmless symbols below and nothing else.
pure: no clock, thread, chance or I/O; it may allocate and throw (protobuf does).
Code of ours may be called if it lies in one of the libraries given, since that is under the same rule.

A reference counts for the function it stands in: HEAP in a constructor is not HEAP in the loop. An exception is a line
in ALLOWED with its reason. The check is made on the compiler's output, so it sees what was inlined, and nothing that was
optimized away; what a virtual call or a function pointer reaches is the business of the library that gave it.
"""
import collections
import dataclasses
import re
import shutil
import subprocess
import sys

# Demangled symbols. What a name means, to say it; a name in none of these and not harmless is refused as unknown.
HEAP = r"operator (new|delete)\b.*|malloc|calloc|realloc|free|posix_memalign|aligned_alloc|strdup|mmap|rte_\w*alloc\w*"
THROW = r"__cxa_(throw|rethrow|allocate_exception|begin_catch|end_catch)|_Unwind_\w+|__gxx_personality_v0|" \
        r"std::__throw_\w+\(.*"
THREAD = r"pthread_\w+|sem_\w+|std::(thread|condition_variable|mutex|__atomic_base)\b.*|__cxa_guard_\w+|nanosleep|usleep|" \
         r"sleep|sched_\w+|futex|__tls_get_addr|thrd_\w+|mtx_\w+|__atomic_\w+"
CLOCK = r"clock_\w+|clock|gettimeofday|time|std::chrono::.*::now\(\)|localtime\w*|gmtime\w*"
IO = r"read|write|readv|writev|pread\w*|pwrite\w*|open\w*|close|fopen\w*|fread|fwrite|v?f?printf|f?puts|fputc|ioctl|socket|" \
     r"send\w*|recv\w*|connect|bind|listen|accept\w*|poll|ppoll|epoll_\w+|select|syscall|getenv|setenv|fcntl|fsync|stat|" \
     r"fstat|unlink|rename|std::(ostream|istream|ios_base|basic_[io]?fstream|filesystem)\b.*|std::basic_ostream.*|" \
     r"__(f?printf|vfprintf)_chk|stderr|stdout|stdin|io_uring_\w+|dlopen|dlsym|system|fork|exec\w+|exit|_exit"
CHANCE = r"rand|random|srand|rand_r|getrandom|getentropy|arc4random\w*|std::random_device\b.*|RAND_\w+"
MEANINGS = {"allocates": HEAP, "throws": THROW, "locks, sleeps or touches a thread": THREAD, "reads a clock": CLOCK,
            "does I/O": IO, "rolls dice": CHANCE}

# Bytes and arithmetic, and what the compiler itself puts in.
HARMLESS = r"mem(cpy|move|set|cmp|chr)|str(len|cmp|ncmp)|__(u?div|u?mod|popcount|clz|ctz)[dt]i[234]|_GLOBAL_OFFSET_TABLE_|" \
           r"typeinfo for .*"
# A library of another project, for the one of ours that wraps it. None of these does I/O or keeps a thread.
WRAPPED = {
    "libweft_wire.a": r"SHA256_(Init|Update|Final)|OPENSSL_cleanse|OSSL_PARAM_construct_\w+|EVP_(KDF|CIPHER)_\w+|"
                      r"EVP_(En|De)crypt(Init_ex2|Update|Final_ex)|imb_clear_mem",
    # weft::bep is what protoc generates (libweft_proto_gen.a).
    "libweft_proto.a": r"(weft::bep::\w+\* )?google::protobuf::.*|weft::bep::.*|SHA256|"
                       r"LZ4_(decompress_safe|compress_default|compressBound)",
}
REFUSED = {
    "data": tuple(MEANINGS),
    "pure": tuple(meaning for meaning in MEANINGS if meaning not in ("allocates", "throws")),
}


@dataclasses.dataclass
class Allowed:
    library: str
    function: str       # where it stands, demangled
    symbols: str
    reason: str


CONSTRUCTORS = r"weft::\w+::(\w+)::~?\1\(.*"
ALLOWED = [
    Allowed("libweft_base.a", r"weft::base::must_failed\(.*", r"abort|snprintf|write", "says which invariant broke, and ends"),
    Allowed("libweft_wire.a", r"weft::wire::(make_\w+|best_aead)\(.*|weft::wire::\(anonymous namespace\)::\w+::~?\w+\(.*",
            HEAP + "|init_mb_mgr_auto|imb_get_errno|alloc_mb_mgr|free_mb_mgr", "makes and ends a back end"),
    Allowed("libweft_agents.a", CONSTRUCTORS, HEAP, "before the core's thread starts, and after it ended"),
    Allowed("libweft_proto.a", r".*", r"std::ios_base::Init::~?Init\(\)|__cxa_atexit|__dso_handle",
            "protobuf's headers include <iostream>; nothing is printed"),
    Allowed("libweft_proto.a", r".*", r"abort|snprintf", "protobuf's checks of its own state, and text of numbers"),
]


def run(*command):
    if not shutil.which(command[0]):
        raise OSError(f"{command[0]} is not installed (package binutils)")
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


# Of an object for link-time optimization nm asks GCC's plugin, whose list leaves out what the compiler knows by name
# (malloc, abort, printf …). Told the format, it reads the machine code beside it.
NM = ("nm", "--target=elf64-x86-64")


def defined(library):
    return {match.group(1) for line in run(*NM, "-C", "--defined-only", library).splitlines()
            if (match := re.match(r"[0-9a-f]+ [A-Za-z] (.+)", line))}


def references(library):
    """(object, function) -> symbols that this function needs from elsewhere; "(data)" for tables."""
    needed, current = collections.defaultdict(set), ""
    for line in run(*NM, "-C", "--undefined-only", library).splitlines():
        if line.endswith(":"):
            current = line[:-1].rsplit("/", 1)[-1]
        elif match := re.match(r"\s+[Uwv]\s+(.+)", line):
            needed[current].add(match.group(1))
    found, told, function = collections.defaultdict(set), collections.defaultdict(set), ""
    for line in run("objdump", "-drC", "--no-show-raw-insn", library).splitlines():
        if match := re.match(r"(\S+):\s+file format", line):
            current = match.group(1).rsplit("/", 1)[-1]
        elif match := re.match(r"[0-9a-f]+ <(.+)>:$", line):
            function = re.sub(r"( \[clone [^]]*\])+$", "", match.group(1))
        elif match := re.match(r"\s+[0-9a-f]+: R_\S+\s+(.+)", line):
            symbol = re.sub(r"[+-]0x[0-9a-f]+$", "", match.group(1))
            if symbol in needed[current]:
                found[current, function].add(symbol)
                told[current].add(symbol)
    for name, symbols in needed.items():
        if rest := symbols - told[name]:
            found[name, "(data)"] |= rest
    return found


def faults(library, kind, ours):
    """Sentences about what `library` references and must not. `ours`: symbols defined by libraries under this rule."""
    name = library.rsplit("/", 1)[-1]
    if not run(*NM, library).strip():
        yield "there is no symbol in it: is this the right file?"
    for (object_name, function), symbols in sorted(references(library).items()):
        for symbol in sorted(symbols):
            if re.fullmatch(HARMLESS, symbol) or symbol in ours or re.fullmatch(WRAPPED.get(name, "$."), symbol):
                continue
            if any(name == entry.library and re.fullmatch(entry.function, function)
                   and re.fullmatch(entry.symbols, symbol) for entry in ALLOWED):
                continue
            meaning = next((word for word, pattern in MEANINGS.items() if re.fullmatch(pattern, symbol)), None)
            if meaning is None and symbol.startswith("weft::"):
                yield f"{object_name}: {function} calls code of ours that is not under this rule: {symbol}"
            elif meaning is None:
                yield f"{object_name}: {function} calls {symbol}, which is not known to be harmless"
            elif meaning in REFUSED[kind]:
                yield f"{object_name}: {function} {meaning}: {symbol}"


def main():
    if len(sys.argv) < 2 or any(argument.partition("=")[2] not in REFUSED for argument in sys.argv[1:]):
        print(__doc__, file=sys.stderr)
        return 2
    libraries = [argument.partition("=")[::2] for argument in sys.argv[1:]]
    print(f"1..{len(libraries)}")
    try:
        ours = set().union(*(defined(library) for library, _ in libraries))
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"Bail out! {error}")
        return 1
    failed = False
    for number, (library, kind) in enumerate(libraries, 1):
        try:
            found = list(faults(library, kind, ours))
        except (OSError, subprocess.CalledProcessError) as error:
            found = [str(error)]
        failed = failed or bool(found)
        print(f"{'not ok' if found else 'ok'} {number} - {library.rsplit('/', 1)[-1]} is {kind}")
        for text in found:
            print(f"#   {text}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

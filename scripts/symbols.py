#!/usr/bin/python3
"""Reads the symbol tables of the pure libraries and proves that nothing in them can allocate, throw, lock, read a
clock or do I/O: what is not referenced cannot be called. Prints TAP, one test per library.

    scripts/symbols.py build/sched/libweft_sched.a=data build/bep/proto/libweft_proto.a=pure ...

data: code of the packet path; nothing of the below. pure: no clock, thread or I/O; it may allocate and throw.
An exception is a line in ALLOWED with its reason.
"""
import collections
import fnmatch
import re
import shutil
import subprocess
import sys

# Undefined symbols (mangled), by what they would mean.
HEAP = r"_Zn[wa]\w*|_Zd[la]\w*|malloc|calloc|realloc|free|posix_memalign|aligned_alloc|strdup|rte_\w*alloc\w*"
THROW = r"__cxa_(throw|rethrow|allocate_exception|begin_catch)|_Unwind_Resume|_ZSt\d+__throw_\w+"
THREAD = r"pthread_\w+|sem_\w+|_ZNSt6thread\w*|_ZNSt18condition_variable\w*|__cxa_guard_\w+|nanosleep|usleep|sched_yield"
CLOCK = r"clock_\w+|gettimeofday|time|_ZNSt6chrono\w*3nowEv"
IO = r"read|write|pread\w*|pwrite\w*|open\w*|close|fopen\w*|fread|fwrite|f?printf|puts|ioctl|socket|send\w*|recv\w*|" \
     r"connect|bind|poll|epoll_\w+|select|syscall|getenv|_ZNSo\w*|_ZNSt8ios_base\w*"
CHANCE = r"rand|random|srand|getrandom|_ZNSt13random_device\w*"

FORBIDDEN = {
    "data": {"allocates": HEAP, "throws": THROW, "locks or sleeps": THREAD, "reads a clock": CLOCK, "does I/O": IO,
             "rolls dice": CHANCE},
    "pure": {"locks or sleeps": THREAD, "reads a clock": CLOCK, "does I/O": IO, "rolls dice": CHANCE},
}

# (library, object, symbols, reason)
ALLOWED = [
    ("libweft_wire.a", "aead_openssl.cc.o", HEAP, "makes the sealing contexts, at start and at a new lane only"),
    ("libweft_wire.a", "aead_ipsec_mb.cc.o", HEAP, "makes the sealing contexts, at start and at a new lane only"),
    ("libweft_proto.a", "*", r"_ZNSt8ios_base4Init\w+", "protobuf's headers include <iostream>; nothing is printed"),
]


def undefined(library):
    """object -> symbols it needs from elsewhere."""
    if not shutil.which("nm"):
        raise OSError("nm is not installed")
    text = subprocess.run(["nm", "--undefined-only", library], capture_output=True, text=True, check=True).stdout
    needs, current = collections.defaultdict(set), ""
    for line in text.splitlines():
        if line.endswith(":"):
            current = line[:-1].rsplit("/", 1)[-1]
        elif match := re.match(r"\s+[Uw]\s+(\S+)", line):
            needs[current].add(match.group(1))
    return needs


def faults(library, kind):
    name = library.rsplit("/", 1)[-1]
    objects = undefined(library)
    if not objects:
        yield "no object in it needs a symbol: is this the right file?"
    for object_name, symbols in sorted(objects.items()):
        for symbol in sorted(symbols):
            if any(name == lib and fnmatch.fnmatch(object_name, obj) and re.fullmatch(pattern, symbol)
                   for lib, obj, pattern, _ in ALLOWED):
                continue
            for meaning, pattern in FORBIDDEN[kind].items():
                if re.fullmatch(pattern, symbol):
                    yield f"{object_name} {meaning}: {symbol}"


def main():
    if len(sys.argv) < 2 or any(argument.partition("=")[2] not in FORBIDDEN for argument in sys.argv[1:]):
        print(__doc__, file=sys.stderr)
        return 2
    print(f"1..{len(sys.argv) - 1}")
    failed = False
    for number, argument in enumerate(sys.argv[1:], 1):
        library, _, kind = argument.partition("=")
        try:
            found = list(faults(library, kind))
        except (OSError, subprocess.CalledProcessError) as error:
            found = [str(error)]
        failed = failed or bool(found)
        print(f"{'not ok' if found else 'ok'} {number} - {library.rsplit('/', 1)[-1]} is {kind}")
        for text in found:
            print(f"#   {text}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

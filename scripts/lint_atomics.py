"""Rules about what several threads touch at one time: where atomics may stand, and what must be said of each.
Called by tidy.py with its Sources; the tables are here, an exception is a line with its reason.
"""
import re

# Files that may say std::atomic. Everybody else has the structures of engine/share.
ATOMICS = {
    "engine/share/memory.hh": "what the structures of that folder are made of",
    "engine/base/log.cc": "level and format: two settings that every thread reads",
    "engine/run/engine.hh": "the flag that ends a core's thread",
}
# Other ways to the same thing, for which there is no use here.
ELSEWHERE = [
    (r"\bstd\s*::\s*atomic\w*\b|\batomic_thread_fence\b", ATOMICS),
    (r"\b__atomic_\w+|\b__sync_\w+", {}),
    (r"\bvolatile\b", {"engine/disk/slot_buffers.cc": "touches pages so that they exist; orders nothing"}),
    (r"\brte_(atomic\w*|smp_\w+|[rw]?mb|io_[rw]?mb|spinlock\w*|rwlock\w*|seqlock\w*|ring_\w+)\b", {}),
]
ORDERS = ("relaxed", "acquire", "release", "acq_rel", "seq_cst")
# A word that several threads touch: std::atomic, or an alias of Mem's Atomic, as the type of a name.
DECLARED = re.compile(r"^\s*(?:alignas\([^)]*\)\s*)?(?:mutable\s+|inline\s+|static\s+)*"
                      r"((?:std::array<)?(?:std::atomic|Atomic)<.*>|{aliases})\s+(\w+)\s*(?:\{{.*\}})?;")
OPERATION = r"\b{name}(?:\[[^\]]*\])?\.(load|store|exchange|fetch_\w+|compare_exchange_\w+|test_and_set|wait)\s*\("


def check_places(sources):
    for source in sources:
        if source.is_test:
            continue
        for number, line in enumerate(source.code, 1):
            for pattern, allowed in ELSEWHERE:
                if (found := re.search(pattern, line)) and source.name not in allowed:
                    yield "fail", f"{source.name}:{number}: {found.group(0)} belongs to {', '.join(allowed) or 'no file'}"


def check_comments(sources):
    """At each atomic's declaration stand its writer, its readers and every order that its operations have, and no
    other; and each operation says its order."""
    for source in sources:
        if source.is_test:
            continue
        for number, name in declared(source):
            text = comment_above(source, number)
            where = f"{source.name}:{number}: {name}"
            for word in ("writer", "reader"):
                if word not in text:
                    yield "fail", f"{where}: its comment does not name the {word}"
            used = set()
            for at, arguments in operations(source, sources, name):
                orders = re.findall(r"memory_order(?:_|::)(\w+)", arguments)
                used.update(orders)
                if not orders:
                    yield "fail", f"{at}: an operation on {name} does not say its memory order"
            said = set(re.findall(r"^\s*//\s+(\w+)  ", text, re.MULTILINE)) & set(ORDERS)
            for order in sorted(used - said):
                yield "fail", f"{where}: its comment does not explain {order}"
            for order in sorted(said - used):
                yield "fail", f"{where}: its comment explains {order}, which no operation has"


def declared(source):
    """(line number, name) of each atomic of the file."""
    aliases = [match.group(1) for line in source.code
               if (match := re.match(r"\s*using (\w+) = typename Mem::template Atomic<", line))]
    pattern = re.compile(DECLARED.pattern.format(aliases="|".join(aliases) or "$."))
    for number, line in enumerate(source.code, 1):
        if (match := pattern.match(line)) and "using" not in line:
            yield number, match.group(2)


def operations(source, sources, name):
    """(place, arguments) of each operation on it, in its file and in the .cc beside it."""
    beside = source.name[:-3]
    for other in sources:
        if other.name[:-3] != beside:
            continue
        text = "\n".join(other.code)
        for match in re.finditer(OPERATION.format(name=re.escape(name)), text):
            arguments = text[match.end():text.find(";", match.end())]
            yield f"{other.name}:{text.count(chr(10), 0, match.start()) + 1}", arguments


def comment_above(source, number):
    """The comment of the declaration: the lines above it, past other declarations of the same group."""
    at = number - 2
    while at >= 0 and source.code[at].strip() and any(at + 1 == other for other, _ in declared(source)):
        at -= 1
    lines = []
    while at >= 0 and source.lines[at].lstrip().startswith("//"):
        lines.insert(0, source.lines[at])
        at -= 1
    return "\n".join(lines)

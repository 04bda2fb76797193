#!/usr/bin/python3
"""Compares two folder trees: names, kinds, SHA-256 of contents, modes, modification times to the nanosecond, targets of
symbolic links. What Syncthing keeps for itself (.stfolder, temporary files) is not looked at, nor are the times of
directories, which no index carries.

    scripts/compare_trees.py A B        exit code 0 and a line when equal, 1 and the differences otherwise
"""
import hashlib
import os
import stat
import sys

OWN_NAMES = (".stfolder", ".stversions")
SHOWN_MAX = 20


def _is_own(name):
    return name in OWN_NAMES or (name.startswith(".syncthing.") and name.endswith(".tmp"))


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def entries(root):
    """Relative name -> lstat of everything below root. Bytes, because a name need not be UTF-8."""
    root, found = os.fsencode(root), {}
    waiting = [b""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(os.path.join(root, folder) if folder else root) as listing:
            for entry in listing:
                if _is_own(os.fsdecode(entry.name)):
                    continue
                name = os.path.join(folder, entry.name)
                found[name] = entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(name)
    return found


def totals(root):
    """What a folder's status counts: (files, directories, symlinks, bytes of files)."""
    files = directories = symlinks = size = 0
    for info in entries(root).values():
        if stat.S_ISREG(info.st_mode):
            files, size = files + 1, size + info.st_size
        directories += stat.S_ISDIR(info.st_mode)
        symlinks += stat.S_ISLNK(info.st_mode)
    return files, directories, symlinks, size


def _difference(path_a, path_b, info_a, info_b):
    """What is unlike in one entry that both have, or None."""
    if stat.S_IFMT(info_a.st_mode) != stat.S_IFMT(info_b.st_mode):
        return "not the same kind"
    if stat.S_ISLNK(info_a.st_mode):
        targets = [os.fsdecode(os.readlink(path)) for path in (path_a, path_b)]
        return None if targets[0] == targets[1] else f"points to {targets[0]!r} and {targets[1]!r}"
    if stat.S_IMODE(info_a.st_mode) != stat.S_IMODE(info_b.st_mode):
        return f"mode {stat.S_IMODE(info_a.st_mode):o} and {stat.S_IMODE(info_b.st_mode):o}"
    if not stat.S_ISREG(info_a.st_mode):
        return None
    if info_a.st_size != info_b.st_size:
        return f"{info_a.st_size} and {info_b.st_size} bytes"
    if info_a.st_mtime_ns != info_b.st_mtime_ns:
        return f"modified at {info_a.st_mtime_ns} and {info_b.st_mtime_ns} ns"
    return None if sha256(path_a) == sha256(path_b) else "other contents"


def look_alike(a, b):
    """Whether nothing but the contents could differ: cheap enough to be asked again and again."""
    def outline(root):
        return {name: (info.st_mode, info.st_size, info.st_mtime_ns) if stat.S_ISREG(info.st_mode)
                else (stat.S_IFMT(info.st_mode),) for name, info in entries(root).items()}
    try:
        return outline(a) == outline(b)
    except FileNotFoundError:      # something was renamed while we looked
        return False


def differences(a, b):
    """One sentence for each entry that is not the same on both sides."""
    in_a, in_b = entries(a), entries(b)
    for name in sorted(in_a.keys() | in_b.keys()):
        shown = name.decode("utf-8", "backslashreplace")
        if name not in in_b:
            yield f"{shown}: only in {a}"
        elif name not in in_a:
            yield f"{shown}: only in {b}"
        else:
            paths = [os.path.join(os.fsencode(root), name) for root in (a, b)]
            if unlike := _difference(*paths, in_a[name], in_b[name]):
                yield f"{shown}: {unlike}"


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    found = list(differences(sys.argv[1], sys.argv[2]))
    for text in found[:SHOWN_MAX]:
        print(text)
    if len(found) > SHOWN_MAX:
        print(f"and {len(found) - SHOWN_MAX} more")
    if not found:
        files, directories, symlinks, size = totals(sys.argv[1])
        print(f"equal: {files} files, {directories} directories, {symlinks} symbolic links, {size} bytes")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

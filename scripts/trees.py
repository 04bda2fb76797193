"""Makes folders to move: large files that do not compress, thousands of small ones, and the odd names and kinds that
break naive programs. Seeded: the same arguments give the same bytes.
"""
import os
import pathlib
import random
import shutil
import stat

MIB = 1 << 20
# Each is a trap of its own: spaces, dots, a leading dash, accents, wide characters, quotes, length.
ODD_NAMES = ["with space", "two  spaces", " leading", "trailing ", "-dash", "..dots..", "~tilde~", "quote'\"quote",
             "back\\slash", "percent%20", "semi;colon&and|pipe", "Ünïcödé", "日本語", "смешанный текст", "🧵",
             "x" * 150, "UPPER and lower", "#hash", "star*question?"]


def make_large(path, size, seed):
    """One file of `size` bytes in which no two blocks are alike."""
    dice = random.Random(f"large {seed}")
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        left = size
        while left:
            piece = min(left, 4 * MIB)
            file.write(dice.randbytes(piece))
            left -= piece


def make_small(root, count, seed, bytes_min=1, bytes_max=24 << 10):
    """`count` files of `bytes_min` to `bytes_max`, a hundred in a directory, three levels deep."""
    dice = random.Random(f"small {seed}")
    for number in range(count):
        folder = pathlib.Path(root, f"group {number // 400}", f"part-{number // 100 % 4}")
        if number % 100 == 0:
            folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file {number:05}.bin").write_bytes(dice.randbytes(dice.randint(bytes_min, bytes_max)))


def make_odd(root, seed):
    """Odd names, empty files, an empty directory, modes, times to the nanosecond, links that point nowhere."""
    root, dice = pathlib.Path(root), random.Random(f"odd {seed}")
    root.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(ODD_NAMES):
        file = root / name
        file.write_bytes(dice.randbytes(dice.randint(1, 4096)))
        os.utime(file, ns=(0, 1_500_000_000_000_000_000 + number * 86_400_123_456_789))
    for number in range(20):
        (root / f"empty {number}").touch()
    (root / "empty directory").mkdir(exist_ok=True)
    script = root / "executable.sh"
    script.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    script.chmod(0o755)
    (root / "private").write_bytes(b"mine\n")
    (root / "private").chmod(0o600)
    for name, target in {"link": "executable.sh", "dangling": "nowhere/at all", "link to directory": "empty directory",
                         "absolute link": "/etc/hostname"}.items():
        link = root / name
        if not link.is_symlink():
            link.symlink_to(target)


def copy_some(source, target, bytes_max, files_max):
    """Copies regular files and links of `source`, in the order of their names, until one of the bounds is reached.
    Returns the number of files; 0 where there is no such folder."""
    source, copied, size = pathlib.Path(source), 0, 0
    if not source.is_dir():
        return 0
    for folder, folders, files in os.walk(source):
        folders.sort()
        for name in sorted(files):
            here = pathlib.Path(folder, name)
            info = here.lstat()
            if not stat.S_ISREG(info.st_mode) and not stat.S_ISLNK(info.st_mode):
                continue
            if copied >= files_max or size + info.st_size > bytes_max:
                return copied
            there = pathlib.Path(target) / here.relative_to(source)
            there.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copy2(here, there, follow_symlinks=False)
            except PermissionError:
                continue
            copied, size = copied + 1, size + info.st_size
    return copied

"""A disk that is full or cannot be written: the transfer waits, the error is shown, no half file takes a file's name, and
with room it goes on by itself.

    source (weft over memif, or stock) ---- weft "target", whose folder is a small tmpfs
"""
import subprocess

import pytest

import trees
import weftlab

MIB = trees.MIB


@pytest.fixture
def small_disk(lab, needs_root):
    """Mounts 48 MiB where the target's folder will be."""
    place = lab.directory / "target" / "lab"
    place.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", place], capture_output=True, text=True,
                             check=False)
    if mounted.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.strip()}")
    yield place
    for daemon in lab.daemons:
        daemon.stop()
    subprocess.run(["umount", place], check=True)


def remount(place, options):
    subprocess.run(["mount", "-o", f"remount,{options}", place], check=True)


def shown_errors(daemon):
    """What a person can see of it: in Syncthing's place and in weft's own."""
    status = daemon.folder_status("lab")
    own = next(folder for folder in daemon.weft_status()["folders"] if folder["id"] == "lab")
    return (status["pullErrors"] or status.get("error")) and (own["pull_errors"] or own["error"])


@pytest.mark.parametrize("kind", ["weft", "stock"])
def test_full_disk_waits_and_goes_on(lab, small_disk, kind, request):
    if kind == "stock":
        request.getfixturevalue("needs_stock")
    source = lab.weft("source") if kind == "weft" else lab.stock("source")
    target = lab.weft("target")
    folder, copy = weftlab.join(source, target)
    if kind == "weft":
        weftlab.add_memif_paths(source, target)
    trees.make_large(folder / "too large", 100 * MIB, 1)
    trees.make_small(folder / "small", 50, 1)
    source.start()
    target.start()
    weftlab.wait_until(lambda: shown_errors(target), 60, "the target shows an error", 0.2, [source, target])
    assert not (copy / "too large").exists()
    text = target.run(weftlab.weft_binary(), "status", "--home", target.home).stdout
    assert "space" in text.lower() or "full" in text.lower() or "error" in text.lower(), text

    remount(small_disk, "size=300m")
    target.scan("lab")
    weftlab.wait_same(source, target, deadline_s=150)
    weftlab.wait_until(lambda: not shown_errors(target), 30, "the error is gone", alive=[target])


def test_read_only_disk(lab, small_disk):
    source, target = lab.weft("source"), lab.weft("target")
    folder, copy = weftlab.join(source, target)
    weftlab.add_memif_paths(source, target)
    (folder / "before").write_bytes(b"before\n")
    source.start()
    target.start()
    weftlab.wait_same(source, target)
    target.stop()
    remount(small_disk, "ro")
    (folder / "after").write_bytes(b"after\n")
    source.scan("lab")
    target.start()
    weftlab.wait_until(lambda: shown_errors(target), 60, "the target shows an error", 0.2, [source, target])
    assert sorted(path.name for path in copy.iterdir() if not path.name.startswith(".")) == ["before"]
    remount(small_disk, "rw")
    target.scan("lab")
    weftlab.wait_same(source, target, deadline_s=150)

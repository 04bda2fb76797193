"""Runs inside the machine of qemu_power_test.py, as root. `first N`: makes the folder, begins the transfer and says "now" after N MiB; the
power goes then. `second`: looks at what is there and lets the transfer come to its end."""
import filecmp
import os
import pathlib
import shutil
import subprocess
import sys

DISK = pathlib.Path("/run/disk")
SMALL, SMALL_KIB = 300, 100
RATE_BPS = 6_000_000      # slow enough that the file system has written some of it by itself


def say(text):
    print(f"guest: {text}", flush=True)


def on_disk(lab, name):
    """A weft whose home and folder are on the disk: those of the first start, if there was one."""
    daemon = lab.weft(name)
    home, folder = DISK / name / "home", DISK / name / "lab"
    if home.exists():
        daemon.home = home
        daemon.id = daemon.cli("id").stdout.strip()
    else:
        shutil.move(daemon.home, home)
        daemon.home = home
    daemon.folder_path = lambda _: folder
    return daemon


def named(folder):
    """Relative paths of the files that have their names."""
    return sorted(path.relative_to(folder) for path in folder.rglob("*")
                  if path.is_file() and not path.name.startswith(".syncthing."))


def main():
    sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[2] / "scripts")]
    os.environ["WEFT_PATIENCE"] = "6"                    # an emulated processor
    import trees
    import weftlab
    DISK.mkdir()
    subprocess.run(["mount", "-t", "ext4", "/dev/vda", DISK], check=True)
    with weftlab.Lab() as lab:
        source, target = on_disk(lab, "source"), on_disk(lab, "target")
        full, copy = weftlab.join(source, target)
        weftlab.add_memif_paths(source, target, names=("left",))
        both = [source, target]
        if sys.argv[1] == "first":
            trees.make_large(full / "a large one", 40 * trees.MIB, 1)
            for number in range(SMALL):
                trees.make_large(full / f"small {number:03}", SMALL_KIB << 10, 2 + number)
            source.start()
            os.sync()                                    # of the source nothing is to be lost
            source.impair("left", rate_Bps=RATE_BPS, direction="tx")
            target.start()
            weftlab.wait_until(lambda: target.totals()["bytes_verified"] > int(sys.argv[2]) * trees.MIB, 60, "bytes arrive", 0.01, both)
            say("now")
            weftlab.wait_until(lambda: False, 60, "the power goes")
        there = named(copy)
        wrong = [str(path) for path in there if not filecmp.cmp(full / path, copy / path, shallow=False)]
        assert not wrong, f"files that are not what they should be: {wrong}"
        source.start()
        target.start()
        weftlab.wait_same(source, target, deadline_s=60)
        say(f"{len(there)} of {len(named(full))} files were there, {target.totals()['bytes_reused'] // trees.MIB} MiB were reused")
    say("all well")


main()

"""The power goes in the middle of a transfer: a small virtual machine (scripts/qemu_machine.py) with a disk of its own is ended from
outside, and started again. What it had not given to its disk is lost then. What runs inside is qemu_power_guest.py.

    weft "source"  ==== net_memif ====  weft "target"        homes and folders of both on one ext4

Promises: after it no file has its name that is not whole and right, the index is sound, and the transfer goes on with what the disk has.
"""
import pathlib
import re
import subprocess

import pytest

import qemu_machine
import weftlab

DISK_MIB = 1024


@pytest.mark.parametrize("after_mib", [20, 50])
def test_power_goes_in_the_middle(needs_machine, tmp_path, after_mib):
    disk = tmp_path / "disk"
    with open(disk, "wb") as file:
        file.truncate(DISK_MIB << 20)
    subprocess.run(["mkfs.ext4", "-q", disk], check=True)
    guest = pathlib.Path(__file__).with_name("qemu_power_guest.py")

    def boot(*words, on_line=lambda machine, line: None):
        program = qemu_machine.python_program(guest, weftlab.weft_binary(), *words)
        with qemu_machine.Machine(program, pairs=0, disk=disk, limit_s=240) as machine:
            return machine.run(lambda line: on_line(machine, line))

    code, console = boot("first", after_mib, on_line=lambda machine, line: line == "guest: now" and machine.cut_power())
    assert code is None and "guest: now" in console, console[-4000:]
    code, console = boot("second")
    assert code == 0 and "guest: all well" in console, console[-4000:]
    whole, of, reused_mib = map(int, re.search(r"guest: (\d+) of (\d+) files were there, (\d+) MiB were reused", console).groups())
    assert whole < of, "the cut came too late"

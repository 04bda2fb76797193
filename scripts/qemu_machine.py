"""A small virtual machine: with network cards on an emulated PCI bus, for DPDK's real drivers (tests/e2e/qemu_nic_test.py), or with a
disk of its own, whose power can be cut (tests/e2e/qemu_power_test.py).

The kernel is Debian's own, taken out of its package and never installed (setup.sh --qemu puts it into kernel_directory()).
The machine's root is this machine's file system, read-only by 9p, with memory over /tmp and /run, and the project at /mnt: so it runs
the weft that was built here with the libraries that are installed here. An emulated IOMMU lets vfio-pci bind the cards, as on
real machines. One program runs in it as root; its output is the console, its exit code comes back.

    card 0 ---\\
               hub of QEMU, one for each pair of cards
    card 1 ---/
"""
import json
import os
import pathlib
import shlex
import shutil
import socket
import subprocess
import tempfile
import threading

KERNEL_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "vfio_iommu_type1", "vfio-pci", "virtio_blk", "ext4")
TOOLS = ("qemu-system-x86_64", "busybox", "cpio", "modprobe", "mkfs.ext4")
ROOT = pathlib.Path(__file__).resolve().parent.parent
END = "machine: exit code "

# Loads modules in the order of the list, makes the root, runs the program in it, and switches the machine off.
INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /root
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
while read module; do /bin/busybox insmod $module; done </modules.list
/bin/busybox mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 host /root || /bin/busybox poweroff -f
/bin/busybox mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 project /root/mnt || /bin/busybox poweroff -f
for over in tmp run var/tmp; do /bin/busybox mount -t tmpfs tmpfs /root/$over; done
/bin/busybox mount --move /proc /root/proc
/bin/busybox mount --move /sys /root/sys
/bin/busybox mount -t devtmpfs dev /root/dev
/bin/busybox mkdir -p /root/dev/shm /root/dev/hugepages
/bin/busybox mount -t tmpfs tmpfs /root/dev/shm
/bin/busybox ip link set lo up
/bin/busybox chroot /root /bin/sh -c 'COMMAND'
echo "END$?"
/bin/busybox poweroff -f
"""


def kernel_directory():
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "weft" / "kernel"


def inside(path):
    """Where a file of this project is in the machine: it may lie below /tmp here, which is empty there."""
    path = pathlib.Path(path).resolve()
    return pathlib.Path("/mnt") / path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def python_program(script, weft, *words):
    """A Python script as the machine's program, told by WEFT_BINARY which weft to run."""
    return ["env", f"WEFT_BINARY={inside(weft)}", "PATH=/usr/bin:/usr/sbin:/bin:/sbin", "/usr/bin/python3", inside(script), *words]


def why_not():
    """None, or a sentence on what is missing here."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} missing: run scripts/setup.sh --qemu"
    if not list(kernel_directory().glob("boot/vmlinuz-*")):
        return f"no kernel in {kernel_directory()}: run scripts/setup.sh --qemu"
    return None


def _module_files(kernel, version):
    """Files of KERNEL_MODULES and what they need, in the order to load them."""
    files = []
    for module in KERNEL_MODULES:
        shown = subprocess.run(["modprobe", "-d", kernel, "-S", version, "--show-depends", module], check=True,
                               capture_output=True, text=True).stdout
        for line in shown.splitlines():
            file = line.split()[1]
            if line.startswith("insmod") and file not in files:
                files.append(file)
    return files


def _initramfs(directory, kernel, version, command):
    root = directory / "initramfs"
    (root / "bin").mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    names = []
    for file in _module_files(kernel, version):
        shutil.copy(file, root)
        names.append("/" + pathlib.Path(file).name)
    (root / "modules.list").write_text("\n".join(names) + "\n", encoding="utf-8")
    init = root / "init"
    init.write_text(INIT.replace("COMMAND", command.replace("'", "'\\''")).replace("END", END), encoding="utf-8")
    init.chmod(0o755)
    image = directory / "initramfs.cpio"
    names = subprocess.run(["find", ".", "-print0"], cwd=root, check=True, capture_output=True).stdout
    with open(image, "wb") as out:
        subprocess.run(["cpio", "--null", "--quiet", "-o", "-H", "newc"], cwd=root, input=names, stdout=out, check=True)
    return image


class Machine:
    """One machine that runs `program` (a list of words). Cards are at PCI 0000:00:10.0 and on; QEMU's words for them: "e1000",
    "virtio-net-pci,iommu_platform=on,disable-legacy=on". disk: a file that is /dev/vda in it."""

    def __init__(self, program, card="e1000", pairs=1, disk=None, memory_mb=2048, cpus=2, limit_s=300):
        self._limit_s = limit_s
        self._directory = tempfile.TemporaryDirectory(prefix="weft-machine-")
        self._console = []
        directory = pathlib.Path(self._directory.name)
        kernel = kernel_directory()
        image = sorted(kernel.glob("boot/vmlinuz-*"))[-1]
        initramfs = _initramfs(directory, kernel, image.name.removeprefix("vmlinuz-"), shlex.join(map(str, program)))
        self._monitor_path = directory / "qmp"
        # Emulated, not by KVM: it runs everywhere, also within virtual machines, and the same way.
        command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-machine", "q35", "-device",
                   "intel-iommu,device-iotlb=on", "-smp", cpus, "-m", memory_mb, "-nodefaults", "-display", "none",
                   "-no-reboot", "-serial", "stdio", "-qmp", f"unix:{self._monitor_path},server=on,wait=off",
                   "-kernel", image, "-initrd", initramfs,
                   "-append", "console=ttyS0 quiet panic=-1 intel_iommu=on iommu=nopt",
                   "-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap",
                   "-virtfs", f"local,path={ROOT},mount_tag=project,security_model=none,readonly=on,multidevs=remap"]
        for number in range(2 * pairs):
            command += ["-netdev", f"hubport,id=net{number},hubid={number // 2}", "-device",
                        f"{card},id=card{number},netdev=net{number},addr=0x{0x10 + number:x},mac=52:54:00:00:00:{number + 1:02x}"]
        if disk:
            command += ["-drive", f"file={disk},if=none,id=disk,format=raw", "-device", "virtio-blk-pci,drive=disk"]
        self._process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, text=True,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._directory.cleanup()

    def set_link(self, number, up):
        """The cable of a card, as its driver sees it."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.settimeout(30)
            monitor.connect(str(self._monitor_path))
            lines = monitor.makefile("rw", encoding="utf-8")
            lines.readline()                             # the greeting
            for order in ({"execute": "qmp_capabilities"},
                          {"execute": "set_link", "arguments": {"name": f"card{number}", "up": up}}):
                lines.write(json.dumps(order) + "\n")
                lines.flush()
                while "return" not in (answer := json.loads(lines.readline())):
                    if "error" in answer:
                        raise RuntimeError(f"QEMU: {answer['error']['desc']}")

    def cut_power(self):
        """At once: what the machine has not given to its disk is gone. run() comes to its end."""
        self._process.kill()

    def run(self, on_line=lambda line: None):
        """Until the machine is off. Returns (exit code, or None when it came to no end; console)."""
        timer = threading.Timer(self._limit_s, self._process.kill)
        timer.start()
        try:
            for line in self._process.stdout:
                self._console.append(line.replace("\r", ""))
                on_line(self._console[-1].strip())
        finally:
            timer.cancel()
        text = "".join(self._console)
        _, found, code = text.rpartition(END)
        return (int(code.split()[0]) if found else None), text

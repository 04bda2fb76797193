"""What every end-to-end test shares: the laboratory (scripts/weftlab.py), closed after each test, and the end of each
daemon's log where a test failed. A missing build/weft is a failure, a missing right or program a skip with its reason.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import qemu_machine  # noqa: E402  (found by the line above)
import weftlab  # noqa: E402


def pytest_configure():
    """Ended from outside, the run still closes its laboratories."""
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("ended by a signal", 143))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    lab = item.funcargs.get("lab")
    if report.failed and lab is not None:
        for daemon in lab.daemons:
            report.sections.append((f"log of {daemon.name}", daemon.log_tail(40)))


@pytest.fixture
def lab():
    with weftlab.Lab() as laboratory:
        yield laboratory


@pytest.fixture
def needs_stock():
    if not weftlab.Stock.binary:
        pytest.skip("no syncthing in PATH (scripts/setup.sh --test installs it)")


@pytest.fixture
def needs_machine():
    """A virtual one, whose processor is emulated."""
    if reason := qemu_machine.why_not():
        pytest.skip(reason)
    if weftlab.PATIENCE > 1:
        pytest.skip("an instrumented daemon is too slow on an emulated processor")


@pytest.fixture
def needs_root():
    if os.geteuid() != 0:
        pytest.skip("needs root")


@pytest.fixture
def needs_namespaces(needs_root):
    """Root may still lack the capability, as in most containers."""
    if not shutil.which("ip"):
        pytest.skip("no ip command (scripts/setup.sh --test installs iproute2)")
    name = f"weft-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"network namespaces are not allowed here: {made.stderr.strip()}")
    subprocess.run(["ip", "netns", "del", name], check=True)

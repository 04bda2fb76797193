"""Two machines in miniature: network namespaces A and B, virtual cables between them, tbf for their rates. Needs root.
Shared by bench_links.py and tests/e2e.

    namespace A                              namespace B
      mgmt 10.9.0.1 ---------------- 10.9.0.2 mgmt    unlimited: the link (kernel TCP)
      a1   ==== veth, rate of cable 1 ==== b1         10.1.0.0/24, one subnet per cable
      a2   ==== veth, rate of cable 2 ==== b2         10.2.0.0/24

The ends of the cables have no IP address of their own, as weft's af_packet ports want it; address_cables() gives them
their addresses, for what runs over the kernel.
"""
import dataclasses
import os
import subprocess

import homes

MGMT = ("10.9.0.1", "10.9.0.2")


@dataclasses.dataclass(frozen=True)
class Cable:
    rate_mbit: float
    queue_ms: float = 20               # how long tbf lets a packet wait before it drops
    mtu: int = 1500


def ip(*words):
    return subprocess.run(["ip", *map(str, words)], check=True, capture_output=True, text=True)


class TwoMachines:
    """Names of the two namespaces in `a` and `b`; everything is gone when it is closed."""

    def __init__(self, cables):
        self.cables = list(cables)
        self.a, self.b = (f"weft-{side}-{os.getpid()}" for side in "ab")

    def __enter__(self):
        try:
            for name in (self.a, self.b):
                ip("netns", "add", name)
                ip("-n", name, "link", "set", "lo", "up")
            self._plug("mgmt", "mgmt")
            for name, address in ((self.a, MGMT[0]), (self.b, MGMT[1])):
                ip("-n", name, "addr", "add", f"{address}/24", "dev", "mgmt")
            for number, cable in enumerate(self.cables):
                left, right = self.ends(number)
                self._plug(left, right, cable.mtu)
                for name, device in ((self.a, left), (self.b, right)):
                    self._limit(name, device, cable)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for name in (self.a, self.b):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    def sides(self):
        """(namespace, 0 or 1), in the order of MGMT and ends()."""
        return (self.a, 0), (self.b, 1)

    @staticmethod
    def ends(number):
        return f"a{number + 1}", f"b{number + 1}"

    @staticmethod
    def address(number, side):
        return f"10.{number + 1}.0.{side + 1}"

    def address_cables(self, present=True):
        for name, side in self.sides():
            for number in range(len(self.cables)):
                ip("-n", name, "addr", "add" if present else "del", f"{self.address(number, side)}/24", "dev",
                   self.ends(number)[side])

    def ports(self, side, names, which=None):
        """weft's ports on one side; `which`: numbers of the cables, all if None. Through the queueing discipline
        (qdisc_bypass=0), which is what limits the cable."""
        return [homes.Port(names[number], f"net_af_packet{number},iface={self.ends(number)[side]},qdisc_bypass=0",
                           f"{self.address(number, side)}/24", mtu=self.cables[number].mtu)
                for number in (range(len(self.cables)) if which is None else which)]

    def _plug(self, left, right, mtu=1500):
        ip("-n", self.a, "link", "add", left, "mtu", mtu, "type", "veth", "peer", "name", right, "mtu", mtu, "netns", self.b)
        for name, device in ((self.a, left), (self.b, right)):
            ip("-n", name, "link", "set", device, "up")

    @staticmethod
    def _limit(name, device, cable):
        # The bucket holds what 1 ms earns and at least one GSO packet of the kernel.
        burst = max(65536, int(cable.rate_mbit * 1e6 / 8 / 1000))
        subprocess.run(["tc", "-n", name, "qdisc", "add", "dev", device, "root", "tbf", "rate", f"{cable.rate_mbit}mbit",
                        "burst", str(burst), "latency", f"{cable.queue_ms}ms"], check=True, capture_output=True)

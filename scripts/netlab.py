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
import weftlab

MGMT = ("10.9.0.1", "10.9.0.2")


@dataclasses.dataclass(frozen=True)
class Cable:
    rate_mbit: float
    queue_ms: float = 20               # how long tbf lets a packet wait before it drops
    mtu: int = 1500


def ip(*words):
    return subprocess.run(["ip", *map(str, words)], check=True, capture_output=True, text=True)


def tc(netns, *words):
    subprocess.run(["tc", "-n", netns, *map(str, words)], check=True, capture_output=True)


class Net:
    """Namespaces by short name, made when first named, and cables between them. `kernel_too`: the kernel uses the cables'
    interfaces as well as weft; else it keeps off them."""

    def __init__(self, kernel_too=False):
        self._names = {}
        self._kernel_too = kernel_too

    def close(self):
        for name in self._names.values():
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    def __getitem__(self, short):
        if short not in self._names:
            self._names[short] = f"weft-{short}-{os.getpid()}"
            ip("netns", "add", self[short])
            self.ip(short, "link", "set", "lo", "up")
            if not self._kernel_too:
                # The host's stack would answer for an address of its own whichever interface a packet comes by.
                self.write(short, "net/ipv4/conf/all/rp_filter", 1)
                self.write(short, "net/ipv4/conf/all/arp_ignore", 1)
        return self._names[short]

    def ip(self, short, *words):
        ip("-n", self[short], *words)

    def run(self, short, *command):
        return subprocess.run(["ip", "netns", "exec", self[short], *command], check=True, capture_output=True, text=True,
                              timeout=60 * weftlab.PATIENCE).stdout

    def write(self, short, key, value):
        self.run(short, "sh", "-c", f"echo {value} > /proc/sys/{key}")

    def cable(self, one, device, other, other_device, mtu=1500):
        self.ip(one, "link", "add", device, "mtu", mtu, "type", "veth", "peer", "name", other_device, "mtu", mtu, "netns",
                self[other])
        for name, end in ((one, device), (other, other_device)):
            if not self._kernel_too:
                self.write(name, f"net/ipv6/conf/{end}/disable_ipv6", 1)
            self.ip(name, "link", "set", end, "up")

    def management(self, one, other):
        """A cable of the kernels' for the links."""
        self.cable(one, "mgmt", other, "mgmt")
        for name, address in zip((one, other), MGMT):
            self.ip(name, "addr", "add", f"{address}/24", "dev", "mgmt")

    def router(self, short, addresses):
        """`addresses`: by interface. Of both families."""
        self.write(short, "net/ipv4/ip_forward", 1)
        self.write(short, "net/ipv6/conf/all/forwarding", 1)
        self.write(short, "net/ipv4/conf/all/rp_filter", 0)
        for device, address in addresses.items():
            self.write(short, f"net/ipv6/conf/{device}/disable_ipv6", 0)
            self.ip(short, "addr", "add", address, "dev", device, *(["nodad"] if ":" in address else []))


class TwoMachines:
    """Names of the two namespaces in `a` and `b`; everything is gone when it is closed."""

    def __init__(self, cables):
        self.cables = list(cables)
        self._net = Net(kernel_too=True)

    def __enter__(self):
        try:
            self.a, self.b = self._net["a"], self._net["b"]
            self._net.management("a", "b")
            for number, cable in enumerate(self.cables):
                left, right = self.ends(number)
                self._net.cable("a", left, "b", right, cable.mtu)
                for name, device in ((self.a, left), (self.b, right)):
                    self._limit(name, device, cable)
                    self._keep_kernel_off(name, device)
        except BaseException:
            self._net.close()
            raise
        return self

    def __exit__(self, *_):
        self._net.close()

    def sides(self):
        """(namespace, 0 or 1), in the order of MGMT and ends()."""
        return (self.a, 0), (self.b, 1)

    @staticmethod
    def ends(number):
        return f"a{number + 1}", f"b{number + 1}"

    @staticmethod
    def address(number, side):
        return f"10.{number + 1}.0.{side + 1}"

    def address_cables(self):
        """From now on the kernel uses the cables too."""
        for name, side in self.sides():
            for number in range(len(self.cables)):
                device = self.ends(number)[side]
                ip("-n", name, "addr", "add", f"{self.address(number, side)}/24", "dev", device)
                tc(name, "qdisc", "del", "dev", device, "ingress")

    def ports(self, side, names, which=None):
        """weft's ports on one side; `which`: numbers of the cables, all if None. Through the queueing discipline
        (qdisc_bypass=0), which is what limits the cable."""
        return [homes.Port(names[number], f"net_af_packet{number},iface={self.ends(number)[side]},qdisc_bypass=0",
                           f"{self.address(number, side)}/24", mtu=self.cables[number].mtu)
                for number in (range(len(self.cables)) if which is None else which)]

    @staticmethod
    def _limit(name, device, cable):
        # The bucket holds what 1 ms earns and at least one GSO packet of the kernel.
        burst = max(65536, int(cable.rate_mbit * 1e6 / 8 / 1000))
        tc(name, "qdisc", "add", "dev", device, "root", "tbf", "rate", f"{cable.rate_mbit}mbit", "burst", burst, "latency",
           f"{cable.queue_ms}ms")

    @staticmethod
    def _keep_kernel_off(name, device):
        """Frames end behind weft's packet socket. Else each walks through the kernel's IP stack as well, to be dropped there
        for want of an address: a tenth of a CPU at 1 Gbit/s, of two that all of both machines share. Acts as
        `matchall action drop`, which this needs no kernel module for."""
        tc(name, "qdisc", "add", "dev", device, "ingress")
        tc(name, "filter", "add", "dev", device, "parent", "ffff:", "bpf", "bytecode", "1,6 0 0 2", "direct-action")

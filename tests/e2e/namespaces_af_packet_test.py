"""Two machines in miniature (scripts/netlab.py draws them) with two cables of 400 Mbit/s, and DPDK's af_packet ports on
these. Needs root.

Promises: both cables carry data, a pulled cable loses no byte and its path comes back when it is plugged in again, cables come
and go by order under a transfer, and frames forged on a cable are counted and nothing else.
"""
import subprocess
import textwrap

import pytest

import netlab
import trees
import weftlab

MIB = trees.MIB
NAMES = ("one", "two")             # of the paths, cable by cable


# Tests name this fixture before `lab`: the daemons then end before their namespaces do.
@pytest.fixture
def machines(needs_namespaces):
    with netlab.TwoMachines([netlab.Cable(400)] * 2) as two:
        yield two


def make_pair(lab, machines, cores=1):
    source = lab.weft("source", netns=machines.a, listen_host=netlab.MGMT[0])
    target = lab.weft("target", netns=machines.b, listen_host=netlab.MGMT[1])
    folder, _ = weftlab.join(source, target)
    for daemon, side in ((source, 0), (target, 1)):
        daemon.set_ports(machines.ports(side, NAMES), engine={"cores": cores})
    return source, target, folder


def start_pair(source, target):
    """Until both paths are active: what comes earlier goes over the link."""
    source.start()
    target.start()
    for daemon in (source, target):
        weftlab.wait_states(daemon, {"one": "active", "two": "active"}, [source, target])


@pytest.mark.parametrize("cores", [1, 2])
def test_both_cables_carry_the_folder(machines, lab, cores):
    source, target, folder = make_pair(lab, machines, cores)
    start_pair(source, target)
    for number in range(4):
        trees.make_large(folder / f"large {number}", 25 * MIB, number)
    trees.make_small(folder / "small", 300, 1)
    source.scan("lab")
    weftlab.wait_same(source, target, deadline_s=180)
    carried = target.payload()
    assert set(carried) == {"one", "two"}
    assert min(carried.values()) > 0.25 * sum(carried.values()), carried
    assert target.totals()["bytes_via_paths"] >= 100 * MIB


def test_pulled_cable(machines, lab):
    source, target, folder = make_pair(lab, machines)
    start_pair(source, target)
    for number in range(4):
        trees.make_large(folder / f"large {number}", 50 * MIB, number)
    source.scan("lab")
    weftlab.wait_until(lambda: 200 * MIB > target.totals()["bytes_verified"] > 60 * MIB, 90, "the transfer is on its way",
                       0.05, [source, target])
    assert min(target.payload().values()) > 0
    netlab.ip("-n", machines.a, "link", "set", "a2", "down")
    weftlab.wait_until(lambda: target.states().get("two") not in ("active", "standby", "probing"), 20,
                       "the target sees that path two is gone", 0.05, [source, target])
    weftlab.wait_same(source, target, deadline_s=180)
    at_the_end = target.payload()

    netlab.ip("-n", machines.a, "link", "set", "a2", "up")
    for daemon in (source, target):
        weftlab.wait_states(daemon, {"one": "active", "two": "active"}, [source, target], 40)
    trees.make_large(folder / "after", 40 * MIB, "after")
    source.scan("lab")
    weftlab.wait_same(source, target, deadline_s=120)
    now = target.payload()
    assert now["two"] > at_the_end.get("two", 0), f"the path that came back carries no data: {at_the_end}, then {now}"


def test_cables_are_added_and_removed_under_a_transfer(machines, lab):
    source, target, folder = make_pair(lab, machines, cores=2)
    both = [source, target]
    spare = {}
    for side, daemon in enumerate(both):
        first, second = machines.ports(side, NAMES)
        daemon.set_ports([first], engine={"cores": 2, "memory_mb": 512})
        spare[daemon] = {"name": "two", "device": second.device, "address": second.address, "mtu": second.mtu}
        spare[daemon, "one"] = {"name": "again", "device": first.device, "address": first.address, "mtu": first.mtu}
        daemon.start()
    for daemon in both:
        weftlab.wait_states(daemon, {"one": "active"}, both)
    for number in range(6):
        trees.make_large(folder / f"large {number}", 50 * MIB, number)
    source.scan("lab")
    weftlab.wait_until(lambda: target.totals()["bytes_verified"] > 10 * MIB, 60, "the transfer is under way", 0.02, both)
    for daemon in both:
        daemon.rest.post("/rest/weft/ports", spare[daemon])
    weftlab.wait_until(lambda: target.payload().get("two", 0) > 10 * MIB, 60, "the new cable carries", 0.02, both)
    for daemon in both:
        daemon.rest.call("DELETE", "/rest/weft/ports/one")
    for daemon in both:
        weftlab.wait_states(daemon, {"two": "active"}, both, 20)
        weftlab.wait_until(lambda: [port["name"] for port in daemon.weft_status()["ports"]] == ["two"], 10,
                           "the first port is closed", 0.02, both)
    assert target.totals()["bytes_verified"] < 300 * MIB
    for daemon in both:                                     # its device is free
        daemon.rest.post("/rest/weft/ports", spare[daemon, "one"])
    weftlab.wait_same(source, target, deadline_s=180)
    for daemon in both:
        weftlab.wait_states(daemon, {"two": "active", "again": "active"}, both)


# Runs in namespace B, beside the target, on its end of the first cable: everything it sends arrives at the source's port as if
# the target had sent it. First it listens for real packets, which are the best forgeries.
FORGER = textwrap.dedent("""
    import random, socket, struct, sys, time
    dice = random.Random(1)
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    raw.bind(("b1", 3))
    raw.settimeout(10)
    real, end = [], time.monotonic() + 10
    while len(real) < 50 and time.monotonic() < end:
        packet, where = raw.recvfrom(4096)
        if where[2] == socket.PACKET_OUTGOING and packet[12:14] == b"\\x08\\x00" and packet[23] == 17 and len(packet) > 74:
            real.append(packet)
    def send(packet):
        try:
            raw.send(packet)
        except OSError:
            pass
    def with_payload(packet, payload):
        head = bytearray(packet[:42])
        head[16:18] = struct.pack(">H", 28 + len(payload))
        head[24:26] = b"\\0\\0"
        words = struct.unpack(">10H", bytes(head[14:34]))
        total = sum(words)
        while total >> 16:
            total = (total & 0xffff) + (total >> 16)
        head[24:26] = struct.pack(">H", ~total & 0xffff)
        head[38:42] = struct.pack(">HH", 8 + len(payload), 0)
        return bytes(head) + payload
    for number, packet in enumerate(real):
        payload = packet[42:]
        send(packet)                                               # replayed
        forged = bytearray(payload)
        forged[8:16] = struct.pack(">Q", 1_000_000 + number)       # a packet number never seen: the tag must tell
        send(with_payload(packet, bytes(forged)))
        forged[4:8] = dice.randbytes(4)                            # to a lane that does not exist
        send(with_payload(packet, bytes(forged)))
        send(with_payload(packet, payload[:dice.randrange(len(payload))]))   # truncated
        send(with_payload(packet, dice.randbytes(len(payload))))   # noise
        send(with_payload(packet, b""))
        send(packet[:dice.randrange(14, 60)])                      # torn frames
        send(packet[:14] + dice.randbytes(60))
    print(len(real))
""")


def test_forged_packets_are_counted_and_nothing_else(machines, lab):
    source, target, folder = make_pair(lab, machines)
    start_pair(source, target)
    for number in range(4):
        trees.make_large(folder / f"large {number}", 50 * MIB, number)
    source.scan("lab")
    weftlab.wait_until(lambda: target.totals()["bytes_verified"] > 10 * MIB, 60, "the transfer is on its way", 0.05,
                       [source, target])
    forger = subprocess.run(["ip", "netns", "exec", machines.b, "/usr/bin/python3", "-c", FORGER], capture_output=True, text=True,
                            timeout=60, check=True)
    assert int(forger.stdout) >= 10, "the forger saw too little"
    weftlab.wait_same(source, target, deadline_s=180)
    packets = source.weft_status()["drops"]["packets"]
    packets["lane"] = packets["receiver_index"] + packets["wrong_core"]     # some random indexes name another core
    for reason in ("replay", "tag", "short", "type", "lane"):
        assert packets[reason] >= 10, f"{reason}: {packets}"

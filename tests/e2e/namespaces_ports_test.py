"""Ports as they are cabled in the world: VLANs, routers between, IPv6, more ports on one side than on the other, and the host's
own traffic on the port's cable. Network namespaces, veth cables and DPDK's af_packet ports. Needs root.

Promises: each of them carries a folder over the paths that it should, and over no others.
"""
import subprocess
import textwrap

import pytest

import homes
import netlab
import trees
import weftlab

MIB = trees.MIB


# Tests name this fixture before `lab`: the daemons then end before their namespaces do.
@pytest.fixture
def net(needs_namespaces):
    made = netlab.Net()
    try:
        yield made
    finally:
        made.close()


def port(name, interface, address, **more):
    return homes.Port(name, f"net_af_packet_{interface},iface={interface}", address, **more)


def make_pair(lab, net, source_ports, target_ports, hosts=("10.9.0.1", "10.9.0.2")):
    source = lab.weft("source", netns=net["a"], listen_host=hosts[0])
    target = lab.weft("target", netns=net["b"], listen_host=hosts[1])
    folder, _ = weftlab.join(source, target)
    source.set_ports(source_ports)
    target.set_ports(target_ports)
    source.start()
    target.start()
    return source, target, folder


def active_paths(daemon):
    return {(path["port"], path["remote_port"]) for path in daemon.paths() if path["state"] == "active"}


def wait_paths(source, target, wanted):
    """The paths that are active at the source, by (its port, the target's), and no others."""
    other = {(there, here) for here, there in wanted}
    weftlab.wait_until(lambda: active_paths(source) == wanted and active_paths(target) == other, 30,
                       f"the paths {sorted(wanted)} are active", alive=[source, target])


def transfer(source, target, folder, size=30 * MIB):
    for number in range(2):
        trees.make_large(folder / f"large {number}", size // 2, number)
    source.scan("lab")
    weftlab.wait_same(source, target, deadline_s=120)
    assert target.totals()["bytes_via_paths"] >= size
    return {(path["port"], path["remote_port"]): path["chunk_bytes_in"] for path in target.paths()}


def test_a_port_in_a_vlan(net, lab):
    """
        a1 ==== b1      VLAN 100 at both ends
        a2 ==== b2      VLAN 200 at one end, 201 at the other: never a path
    """
    net.management("a", "b")
    net.cable("a", "a1", "b", "b1")
    net.cable("a", "a2", "b", "b2")
    source, target, folder = make_pair(
        lab, net, [port("one", "a1", "10.1.0.1/24", vlan=100), port("two", "a2", "10.2.0.1/24", vlan=200)],
        [port("one", "b1", "10.1.0.2/24", vlan=100), port("two", "b2", "10.2.0.2/24", vlan=201)])
    wait_paths(source, target, {("one", "one")})
    carried = transfer(source, target, folder)
    assert carried.get(("two", "two"), 0) == 0
    assert target.weft_status()["drops"]["frames"]["other_vlan"] > 0


def test_taps_on_bridges(net, lab):
    """
        weft ---- dtap0 == br0 == a1 ---- b1 == br0 == dtap0 ---- weft
    """
    net.management("a", "b")
    net.cable("a", "a1", "b", "b1")
    source, target, folder = make_pair(lab, net, *([homes.Port("one", "net_tap0,iface=dtap0", f"10.1.0.{host}/24")]
                                                   for host in (1, 2)))
    for end in "ab":
        net.ip(end, "link", "add", "br0", "type", "bridge")
        net.ip(end, "link", "set", "br0", "up")
        for device in (f"{end}1", "dtap0"):
            net.ip(end, "link", "set", device, "master", "br0")
    wait_paths(source, target, {("one", "one")})
    transfer(source, target, folder)


def test_paths_through_a_router(net, lab):
    """
        a1 10.1.0.1 --.                 .-- b1 10.3.0.1
        a2 10.2.0.1 ---- router, .254 ----- b2 fd00:3::1       two IPv4 ports to one, and a pair over IPv6
        a3 fd00:1::1 -'  ::fe
    """
    net.management("a", "b")
    for end, devices in (("a", ("a1", "a2", "a3")), ("b", ("b1", "b2"))):
        for device in devices:
            net.cable(end, device, "r", f"r{device}")
    net.router("r", {"ra1": "10.1.0.254/24", "ra2": "10.2.0.254/24", "rb1": "10.3.0.254/24", "ra3": "fd00:1::fe/64",
                     "rb2": "fd00:3::fe/64"})
    source, target, folder = make_pair(
        lab, net, [port("one", "a1", "10.1.0.1/24", gateway="10.1.0.254"),
                   port("two", "a2", "10.2.0.1/24", gateway="10.2.0.254"),
                   port("six", "a3", "fd00:1::1/64", gateway="fd00:1::fe")],
        [port("only", "b1", "10.3.0.1/24", gateway="10.3.0.254"), port("six", "b2", "fd00:3::1/64", gateway="fd00:3::fe")])
    wait_paths(source, target, {("one", "only"), ("two", "only"), ("six", "six")})
    carried = transfer(source, target, folder, 60 * MIB)
    assert min(carried.values()) > 0, carried


def test_mixed_mtus_and_a_path_narrower_than_its_ports(net, lab):
    """
        a1, 1500 ---- router one ---- 1400 ---- router two ---- b1, 1500      large packets vanish in the middle
        a2, 9000 ====================================================== b2, 9000
    """
    net.management("a", "b")
    net.cable("a", "a1", "r1", "ra1")
    net.cable("r1", "east", "r2", "west")
    net.cable("b", "b1", "r2", "rb1")
    for router, device, cable in (("r1", "east", {"ra1": "10.1.0.254/24", "east": "10.5.0.1/24"}),
                                  ("r2", "west", {"rb1": "10.3.0.254/24", "west": "10.5.0.2/24"})):
        net.router(router, cable)
        net.ip(router, "link", "set", device, "mtu", "1400")
    net.ip("r1", "route", "add", "10.3.0.0/24", "via", "10.5.0.2")
    net.ip("r2", "route", "add", "10.1.0.0/24", "via", "10.5.0.1")
    net.cable("a", "a2", "b", "b2")
    net.ip("a", "link", "set", "a2", "mtu", "9000")
    net.ip("b", "link", "set", "b2", "mtu", "9000")
    source, target, folder = make_pair(
        lab, net, [port("narrow", "a1", "10.1.0.1/24", gateway="10.1.0.254"), port("jumbo", "a2", "10.2.0.1/24", mtu=9000)],
        [port("narrow", "b1", "10.3.0.1/24", gateway="10.3.0.254"), port("jumbo", "b2", "10.2.0.2/24", mtu=9000)])
    wait_paths(source, target, {("narrow", "narrow"), ("jumbo", "jumbo")})
    carried = transfer(source, target, folder, 100 * MIB)
    assert min(carried["narrow", "narrow"], carried["jumbo", "jumbo"]) > MIB, carried

    def largest(daemon):
        return {path["port"]: path["lanes"][0]["packet_bytes"] for path in daemon.paths() if path["state"] == "active"}
    # 28 bytes of IP and UDP around; the search ends within 16 bytes of the limit.
    weftlab.wait_until(lambda: largest(source)["jumbo"] == 8972 and 1356 < largest(source)["narrow"] <= 1372, 20,
                       "each path's packets are as large as it carries", alive=[source, target])


def test_two_ports_in_one_network(net, lab):
    """
        a1 --.        .-- b1        one switch, one network; each port says with which of the other end's it speaks
              switch
        a2 --'        '-- b2
    """
    net.management("a", "b")
    net.ip("s", "link", "add", "bridge", "type", "bridge")
    net.ip("s", "link", "set", "bridge", "up")
    for end, device in (("a", "a1"), ("a", "a2"), ("b", "b1"), ("b", "b2")):
        net.cable(end, device, "s", f"s{device}")
        net.ip("s", "link", "set", f"s{device}", "master", "bridge")
    source, target, folder = make_pair(
        lab, net, [port("one", "a1", "10.1.0.1/24", to=["one"]), port("two", "a2", "10.1.0.2/24", to=["two"])],
        [port("one", "b1", "10.1.0.11/24", to=["one"]), port("two", "b2", "10.1.0.12/24", to=["two"])])
    wait_paths(source, target, {("one", "one"), ("two", "two")})
    carried = transfer(source, target, folder)
    assert min(carried.values()) > 0, carried


# A program of the host on either end: a TCP server that echoes, and a client.
SERVER = textwrap.dedent("""
    import socket, sys
    with socket.create_server((sys.argv[1], 2222)) as server:
        print("ready", flush=True)
        connection, _ = server.accept()
        with connection:
            while data := connection.recv(65536):
                connection.sendall(data)
""")
CLIENT = textwrap.dedent("""
    import socket, sys, threading
    sent = bytes(range(256)) * 4096
    got = bytearray()
    with socket.create_connection((sys.argv[1], 2222), 20) as connection:
        def send():
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        thread = threading.Thread(target=send)
        thread.start()
        while data := connection.recv(65536):
            got += data
        thread.join()
    assert bytes(got) == sent
    print("same")
""")


def test_the_host_shares_the_port(net, lab):
    """
        namespace A                                            namespace B
        kernel: ping, TCP, the TLS link                        the same
          weft0 10.1.0.1 -- weft -- a1 ====== veth ====== b1 -- weft -- weft0 10.1.0.2
                            10.1.0.1 UDP 22100      10.1.0.2

    One cable, one address at each end, no other network: the link, a ping and a TCP connection of other programs, and the path.
    """
    net.cable("a", "a1", "b", "b1")
    source, target, folder = make_pair(lab, net, [port("one", "a1", "10.1.0.1/24", exception="weft0")],
                                       [port("one", "b1", "10.1.0.2/24", exception="weft0")],
                                       hosts=("10.1.0.1", "10.1.0.2"))
    wait_paths(source, target, {("one", "one")})
    assert source.is_connected(target.id)
    transfer(source, target, folder)

    pinged = net.run("a", "ping", "-c", "3", "-i", "0.2", "-W", "5", "10.1.0.2")
    assert "3 received" in pinged and "DUP" not in pinged, pinged
    server = subprocess.Popen(["ip", "netns", "exec", net["b"], "/usr/bin/python3", "-c", SERVER, "10.1.0.2"],
                              stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout.readline() == "ready\n"
        assert net.run("a", "/usr/bin/python3", "-c", CLIENT, "10.1.0.2") == "same\n"
    finally:
        server.kill()
        server.wait()
    assert active_paths(source) == {("one", "one")}
    host = source.weft_status()["ports"][0]["host"]
    assert host["interface"] == "weft0" and host["frames_in"] > 100 and host["frames_out"] > 100, host

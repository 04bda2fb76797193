"""Several TLS links between two devices without a datapath: over two cables at once, one of which is pulled. Needs root for the
namespaces (scripts/netlab.py); the others run as anybody.
"""
import pytest

import homes
import netlab
import trees
import weftlab

MIB = trees.MIB


@pytest.fixture
def machines(needs_namespaces):
    with netlab.TwoMachines([netlab.Cable(200)] * 2) as two:
        two.address_cables()
        yield two


def links(daemon):
    return [link for link in daemon.rest.get("/rest/weft/health")["links"] if link["state"] == "connected"]


def received(machines):
    """Bytes that came by each cable to the second machine."""
    def of(device):
        return int(netlab.ip("netns", "exec", machines.b, "cat", f"/sys/class/net/{device}/statistics/rx_bytes").stdout)
    return [of("b1"), of("b2")]


def make_pair(lab, machines, sources):
    source = lab.weft("source", netns=machines.a, listen_host="0.0.0.0")
    target = lab.weft("target", netns=machines.b, listen_host=netlab.MGMT[1])
    port = source.listen_port
    source.listen, listen = f"tcp://{machines.address(0, 0)}:{port}", source.listen
    folder, _ = weftlab.join(source, target, more_addresses=(f"tcp://{machines.address(1, 0)}:{port}",), connections=4)
    source.listen = listen
    source.configure([homes.Device(target.id, target.name, connections=4)],
                     [homes.Folder("lab", folder, [target.id])])
    target.set_ports([], links={"from": sources})
    source.start()
    target.start()
    both = [source, target]
    weftlab.wait_until(lambda: len(links(target)) == 4 and len(links(source)) == 4, 30, "four links are up", alive=both)
    return source, target, folder


@pytest.mark.parametrize("sources", [[], ["b1", "b2"]])
def test_links_go_over_both_cables_and_a_pulled_one_stops_nothing(machines, lab, sources):
    source, target, folder = make_pair(lab, machines, sources)
    both = [source, target]
    assert sorted(link["address"].split(":")[0] for link in links(target)) == ["10.1.0.1"] * 2 + ["10.2.0.1"] * 2
    assert [link["primary"] for link in links(target)].count(True) == 1
    before = received(machines)
    trees.make_large(folder / "first", 60 * MIB, 1)
    source.scan("lab")
    weftlab.wait_same(source, target, deadline_s=120)
    carried = [now - then for now, then in zip(received(machines), before)]
    assert min(carried) > 0.3 * sum(carried), carried
    assert target.totals()["bytes_via_link"] == 60 * MIB

    trees.make_large(folder / "second", 100 * MIB, 2)
    source.scan("lab")
    weftlab.wait_until(lambda: target.totals()["bytes_via_link"] > 80 * MIB, 60, "the second file is on its way", 0.02, both)
    primary = next(link for link in links(target) if link["primary"])
    cable = 1 if primary["address"].startswith("10.1.") else 2
    assert target.totals()["bytes_via_link"] < 160 * MIB
    for name, device in ((machines.a, f"a{cable}"), (machines.b, f"b{cable}")):
        netlab.ip("-n", name, "link", "set", device, "down")     # and with it the link that carries the index
    weftlab.wait_same(source, target, deadline_s=180)


def test_connections_are_shown_as_syncthing_shows_them(lab):
    source, target = lab.weft("source"), lab.weft("target")
    weftlab.join(source, target)
    source.start()
    target.start()
    weftlab.wait_until(lambda: len(links(target)) == 3 and len(links(source)) == 3, 30, "three links, numConnections' default",
                       alive=[source, target])
    shown = target.rest.get("/rest/system/connections")["connections"][source.id]
    assert shown["connected"] and shown["primary"]["type"] == "tcp-client" and len(shown["secondary"]) == 2
    assert shown["inBytesTotal"] >= sum(link["inBytesTotal"] for link in shown["secondary"]) + shown["primary"]["inBytesTotal"]


def test_one_connection_where_one_side_wants_one(lab):
    source, target = lab.weft("source"), lab.weft("target")
    folder, _ = weftlab.join(source, target, connections=-1)
    source.start()
    target.start()
    weftlab.wait_until(lambda: links(target), 30, "the link is up", alive=[source, target])
    trees.make_large(folder / "file", 5 * MIB, 1)
    source.scan("lab")
    weftlab.wait_same(source, target, deadline_s=60)
    assert len(links(target)) == 1 and len(links(source)) == 1


@pytest.mark.skipif(weftlab.Stock.binary is None, reason="syncthing is not installed")
def test_a_stock_that_knows_of_one_gets_one(lab):
    stock, weft = lab.stock("stock"), lab.weft("weft")
    folder, _ = weftlab.join(stock, weft, connections=8)
    stock.start()
    weft.start()
    trees.make_large(folder / "file", 5 * MIB, 1)
    stock.scan("lab")
    weftlab.wait_same(stock, weft, deadline_s=90)
    assert len(links(weft)) == 1


@pytest.mark.parametrize("kind", ["weft", "stock"])
def test_a_link_by_a_nearer_network_takes_over(machines, lab, kind):
    """The dialling machine begins behind a router (an address that is in no network of its own) and is then plugged into the
    other's network."""
    if kind == "stock" and weftlab.Stock.binary is None:
        pytest.skip("syncthing is not installed")
    far = "10.77.0.1"
    netlab.ip("-n", machines.a, "addr", "add", f"{far}/32", "dev", "lo")
    netlab.ip("-n", machines.b, "route", "add", f"{far}/32", "via", machines.address(0, 0))
    pull = lambda how: netlab.ip("-n", machines.b, "link", "set", "b2", how)
    pull("down")
    source = getattr(lab, kind)("source", netns=machines.a, listen_host="0.0.0.0")
    target = lab.weft("target", netns=machines.b, listen_host=netlab.MGMT[1])
    target.options.update(reconnectionIntervalS=5, connectionReplacementAgeThreshold=5)
    source.listen, listen = f"tcp://{far}:{source.listen_port}", source.listen
    folder, _ = weftlab.join(source, target, connections=1,
                             more_addresses=(f"tcp://{machines.address(1, 0)}:{source.listen_port}",))
    source.listen = listen
    source.configure([homes.Device(target.id, target.name, connections=1)], [homes.Folder("lab", folder, [target.id])])
    trees.make_large(folder / "file", 100 * MIB, 1)
    source.start()
    target.start()
    both = [source, target]
    reached_by = lambda: [link["address"].split(":")[0] for link in links(target)]
    weftlab.wait_until(lambda: reached_by() == [far], 30, "it is linked by the router", alive=both)
    pull("up")
    netlab.ip("-n", machines.b, "addr", "replace", f"{machines.address(1, 1)}/24", "dev", "b2")
    near = machines.address(1, 0)
    weftlab.wait_until(lambda: reached_by() == [near], 60, "it is linked by its own network", alive=both)
    weftlab.wait_same(source, target, deadline_s=120)
    assert target.totals()["bytes_via_link"] <= 120 * MIB, "what the first link brought is not asked for again"

    # And out of it again, with one connection and a file on its way.
    trees.make_large(folder / "second", 100 * MIB, 2)
    source.scan("lab")
    weftlab.wait_until(lambda: target.totals()["bytes_via_link"] > 130 * MIB, 60, "the second file is on its way", 0.05, both)
    pull("down")
    netlab.ip("-n", machines.a, "link", "set", "a2", "down")
    weftlab.wait_until(lambda: reached_by() == [far], 60, "it is linked by the router again", alive=both)
    weftlab.wait_same(source, target, deadline_s=120)
    assert target.totals()["bytes_via_link"] <= 240 * MIB, "the temporary file was gone on with"

"""Ports that cannot be used: the daemon says why and how to mend it, and the other ports go on. Ports that come and go while
it runs. No root is needed.

    weft "source" ==== left, memif ==== weft "target"
          broken: an interface, or a card, that is not there
"""
import pytest

import homes
import trees
import weftlab

MIB = trees.MIB


@pytest.mark.parametrize("device,words", [
    ("net_af_packet9,iface=nosuchiface0", "there is no interface 'nosuchiface0'"),
    ("0000:fe:1f.7", "there is no PCI device '0000:fe:1f.7'"),
    ("net_nosuchdriver0", "check the driver's name"),
], ids=["interface", "card", "driver"])
def test_the_other_ports_go_on(lab, device, words):
    source, target = lab.weft("source"), lab.weft("target")
    folder, _ = weftlab.join(source, target)
    weftlab.add_memif_paths(target, source, names=("left",))
    # First in the file: the numbers of the ports that work do not depend on it.
    source.set_ports([homes.Port("broken", device, "10.8.0.1/24"),
                      homes.Port("left", f"net_memif0,role=client,id=0,socket={source.directory.parent / 'left'}.sock",
                                 "10.1.0.2/24")])
    source.start()
    target.start()
    weftlab.wait_until(lambda: [path["state"] for path in source.paths()] == ["active"], 30, "the path is active",
                       alive=[source, target])
    trees.make_large(folder / "file", 20 * MIB, 1)
    source.scan("lab")
    weftlab.wait_same(source, target)
    assert target.totals()["bytes_via_paths"] >= 20 * MIB

    ports = {port["name"]: port for port in source.weft_status()["ports"]}
    assert ports["left"]["error"] is None and ports["left"]["link_up"]
    assert words in ports["broken"]["error"] and not ports["broken"]["link_up"]
    said = source.run(weftlab.weft_binary(), "status", "--home", source.home).stdout
    assert words in said
    assert words in source.log_text()
    with pytest.raises(weftlab.RestError) as refused:
        source.impair("broken", blackhole=True)
    assert refused.value.status == 409 and "not open" in str(refused.value)


SLOW_BPS = 8_000_000


def port_names(daemon):
    return [port["name"] for port in daemon.weft_status()["ports"]]


def memif(lab_directory, number, role, host, socket=None):
    """The body that adds a port over shared memory: its network is 10.<number + 1>.0.0/24."""
    return {"name": f"p{number}", "address": f"10.{number + 1}.0.{host}/24",
            "device": f"net_memif{number},role={role},id=0,socket={lab_directory}/{socket or number}.sock"}


@pytest.mark.parametrize("cores", [1, 2])
def test_ports_come_and_go_under_a_transfer(lab, cores):
    """One slow path; a second comes and carries; the first goes, at one end only; the transfer ends by the second."""
    source, target = lab.weft("source"), lab.weft("target")
    folder, _ = weftlab.join(source, target)
    weftlab.add_memif_paths(source, target, names=("left",), engine={"cores": cores, "memory_mb": 512})
    both = [source, target]
    for daemon in both:
        daemon.start()
    for daemon in both:
        weftlab.wait_states(daemon, {"left": "active"}, both)
    source.impair("left", rate_Bps=SLOW_BPS, direction="tx")
    trees.make_large(folder / "file", 60 * MIB, 1)
    source.scan("lab")
    weftlab.wait_until(lambda: target.totals()["bytes_verified"] > 2 * MIB, 60, "the transfer is under way", 0.02, both)

    new = memif(lab.directory, 1, "server", 1)
    said = source.run(weftlab.weft_binary(), "port", "add", new["name"], "--device", new["device"], "--address", new["address"],
                      "--home", source.home).stdout
    assert "[[port]]" in said and new["device"] in said, said
    target.rest.post("/rest/weft/ports", memif(lab.directory, 1, "client", 2))
    for daemon in both:
        weftlab.wait_states(daemon, {"left": "active", "p1": "active"}, both)
    source.impair("p1", rate_Bps=SLOW_BPS, direction="tx")
    weftlab.wait_until(lambda: {p["port"]: p for p in target.paths()}["p1"]["chunk_bytes_in"] > MIB, 30,
                       "the new path carries data", 0.02, both)
    assert target.totals()["bytes_verified"] < 60 * MIB

    said = source.run(weftlab.weft_binary(), "port", "remove", "left", "--home", source.home)
    assert said.returncode == 0, said.stderr
    for daemon in both:
        weftlab.wait_until(lambda: daemon.states() == {"p1": "active"}, 30, f"{daemon.name} has no path but the new one",
                           0.05, both)
    weftlab.wait_until(lambda: port_names(source) == ["p1"], 10, "the port is closed", 0.05, both)
    assert port_names(target) == ["left", "p1"]           # its own is there still, and reaches nobody
    assert target.totals()["bytes_verified"] < 60 * MIB
    source.impair("p1")
    weftlab.wait_same(source, target)
    totals = target.totals()
    assert totals["bytes_via_paths"] >= 59 * MIB, totals
    assert "MUST" not in source.log_text() + target.log_text()


def test_the_last_port_goes_and_comes_again(lab):
    """The device that a removed port had is free: the same one can be added again, while the other end goes on knocking."""
    source, target = lab.weft("source"), lab.weft("target")
    folder, _ = weftlab.join(source, target)
    weftlab.add_memif_paths(source, target, names=("left",))
    both = [source, target]
    for daemon in both:
        daemon.start()
    for round_number in range(3):
        for daemon in both:
            weftlab.wait_until(lambda: "active" in daemon.states().values(), 30, "a path is active", 0.05, both)
        source.rest.call("DELETE", "/rest/weft/ports/left" if round_number == 0 else "/rest/weft/ports/p0")
        weftlab.wait_until(lambda: not source.paths() and not target.paths() and not port_names(source), 30,
                           "the port is gone, and its paths at both ends", 0.05, both)
        trees.make_large(folder / f"file {round_number}", MIB, round_number)
        source.scan("lab")
        weftlab.wait_same(source, target)                 # over the link
        source.rest.post("/rest/weft/ports", memif(source.directory.parent, 0, "server", 1, "left"))
    for daemon in both:
        weftlab.wait_until(lambda: daemon.states().values() and set(daemon.states().values()) == {"active"}, 30,
                           "the path is there again", 0.05, both)
    assert source.log_text().count("session begun") == 1


def test_what_cannot_be_added_is_refused_and_the_others_go_on(lab):
    source = lab.weft("source")
    source.configure([], [])
    source.set_ports([homes.Port("late", "net_af_packet9,iface=weftnosuch0", "10.8.0.1/24"),
                      homes.Port("left", f"net_memif0,role=server,id=0,socket={lab.directory}/left.sock", "10.1.0.1/24")],
                     engine={"memory_mb": 512})
    source.start()

    def refused(body, status, words):
        with pytest.raises(weftlab.RestError) as error:
            source.rest.post("/rest/weft/ports", body)
        assert error.value.status == status and words in str(error.value), str(error.value)

    refused({"name": "late"}, 400, "there is no interface 'weftnosuch0'")
    refused({"name": "left"}, 404, "no port of this name could not be opened")
    refused({"name": "x", "device": "net_nosuchdriver0", "address": "10.7.0.1/24"}, 400, "check the driver's name")
    refused({"name": "x", "device": "0000:fe:1f.7", "address": "10.7.0.1/24"}, 400, "there is no PCI device")
    refused({"name": "x", "device": "net_memif0,id=3", "address": "10.7.0.1/24"}, 400, "has the name of port")
    refused({"name": "x", "device": "net_ring5", "address": "10.8.0.7/24"}, 400, "in the network of port \"late\"")
    for number in range(1, 8):
        source.rest.post("/rest/weft/ports", {"name": f"r{number}", "device": f"net_ring{number}",
                                              "address": f"10.{20 + number}.0.1/24"})
    refused({"name": "x", "device": "net_ring8", "address": "10.7.0.1/24"}, 409, "remove one first")
    source.rest.call("DELETE", "/rest/weft/ports/late")   # one that is not open is forgotten
    assert sorted(port_names(source)) == ["left"] + [f"r{number}" for number in range(1, 8)]
    source.rest.call("DELETE", "/rest/weft/ports/r3")
    weftlab.wait_until(lambda: "r3" not in port_names(source), 10, "a port without paths is closed", 0.05, [source])
    source.rest.post("/rest/weft/ports", {"name": "x", "device": "net_ring3", "address": "10.7.0.1/24"})

"""Health as a user sees it: scores with reasons, keep-alive, listeners on ports of their own choice. No root is needed.

    weft "source" ==== left, right: memif ==== weft "target"
"""
import re

import pytest

import homes
import trees
import weftlab

MIB = trees.MIB


def start(*daemons):
    for daemon in daemons:
        daemon.start()


def health(daemon):
    return daemon.rest.get("/rest/weft/health")


def by_port(daemon):
    return {path["port"]: path for path in health(daemon)["paths"]}


def test_a_slow_path_says_why_and_a_good_one_does_not(lab):
    source, target = lab.weft("source"), lab.weft("target")
    folder, _ = weftlab.join(source, target)
    weftlab.add_memif_paths(target, source)
    start(source, target)
    both = [source, target]
    weftlab.wait_active(source, 2, both)
    weftlab.wait_until(lambda: all(path["latency"] for path in by_port(source).values()), 10, "both are measured", alive=both)
    # From 1 ms to 41 ms, under a load that keeps both busy.
    trees.make_large(folder / "file", 200 * MIB, 1)
    for port in ("left", "right"):
        source.impair(port, rate_Bps=10_000_000, direction="tx")
    source.impair("left", rate_Bps=10_000_000, delay_us=40_000, direction="tx")
    source.scan("lab")
    weftlab.wait_until(lambda: by_port(source)["left"]["reason"].startswith("latency"), 30, "the slow path says why", alive=both)
    slow = by_port(source)["left"]
    assert slow["healthScore"] < 80
    assert slow["latency"] > 2 * slow["latencyFloor"]
    assert slow["connectionType"] == "weft-path" and slow["activity"] == "active"
    shown = next(path for path in source.paths() if path["port"] == "left")
    assert shown["score"] < 80 and shown["score_reason"].startswith("latency")
    said = source.run(weftlab.weft_binary(), "status", "--home", source.home).stdout
    assert "SCORE" in said


def test_links_are_measured_and_pinged_by_their_score(lab):
    source, target = lab.weft("source"), lab.weft("target")
    target.options["adaptiveKeepAliveMaxS"] = 20
    weftlab.join(source, target)
    start(source, target)
    both = [source, target]

    def link(daemon):
        return health(daemon)["links"][0]

    weftlab.wait_until(lambda: link(source)["keepAliveS"] and link(target)["keepAliveS"], 30, "both links are judged", alive=both)
    for daemon, longest in ((source, 120), (target, 20)):
        seen = link(daemon)
        assert seen["state"] == "connected"
        assert seen["healthScore"] > 0
        assert 0 < seen["latencyFloor"] <= seen["latency"] < 1000
        assert seen["packetLoss"] == 0
        assert 5 <= seen["keepAliveS"] <= longest
        assert not seen["lastCheck"].startswith("0001")
    target.stop()
    weftlab.wait_until(lambda: link(source)["state"] == "disconnected", 30, "the link is gone", alive=[source])
    assert link(source)["reason"] == "no link" and link(source)["latency"] is None


def port_in_use(daemon):
    services = daemon.rest.get("/rest/system/status")["connectionServiceStatus"]
    (address, service), = services.items()
    assert service["error"] is None, services
    assert len(service["lanAddresses"]) == 1, services
    return int(service["lanAddresses"][0].rsplit(":", 1)[1])


def test_a_listener_chooses_a_port_and_keeps_it_over_a_restart(lab):
    source, target = lab.weft("source"), lab.weft("target")
    first = weftlab.free_port()
    target.options.update(randomPortsEnabled=True, randomPortRangeStart=first, randomPortRangeEnd=min(first + 400, 65535))
    folder, _ = weftlab.join(source, target)
    start(source, target)
    both = [source, target]
    chosen = port_in_use(target)
    assert first <= chosen <= first + 400
    assert re.search(rf"\b{chosen}\b", target.log_text())
    target.restart()
    assert port_in_use(target) == chosen
    # The other side listens where its configuration says: the one with the changing port dials.
    trees.make_large(folder / "file", MIB, 1)
    source.scan("lab")
    weftlab.wait_same(source, target, alive=both)


@pytest.mark.parametrize("options,words", [
    ({"randomPortsEnabled": True, "randomPortRangeStart": 5000, "randomPortRangeEnd": 4000}, "randomPortRangeStart"),
    ({"randomPortRangeStart": 0}, "randomPortRangeStart"),
    ({"adaptiveKeepAliveMinS": 50, "adaptiveKeepAliveMaxS": 40}, "adaptiveKeepAliveMinS"),
])
def test_options_that_cannot_be_are_refused_by_name(lab, options, words):
    daemon = lab.weft("source")
    daemon.options.update(options)
    daemon.configure([], [homes.Folder("lab", daemon.folder_path("lab"), [])])
    done = daemon.run(weftlab.weft_binary(), "serve", "--home", daemon.home, check=False)
    assert done.returncode != 0
    assert words in done.stdout + done.stderr


def test_data_ports_are_chosen_at_random_and_remembered(lab):
    source, target = lab.weft("source"), lab.weft("target")
    folder, _ = weftlab.join(source, target)
    weftlab.add_memif_paths(target, source)
    text = (target.home / "weft.toml").read_text()
    (target.home / "weft.toml").write_text(re.sub(r"^udp_port = .*\n", "", text, count=1, flags=re.MULTILINE))   # of the first
    first = weftlab.free_port()
    target.options.update(randomPortsEnabled=True, randomPortRangeStart=min(first, 60000), randomPortRangeEnd=min(first, 60000) + 400)
    target.configure([homes.Device(source.id, "source")], [homes.Folder("lab", target.folder_path("lab"), [source.id])])
    target.start()
    # The link's listener has another port too: tell the source.
    address = f"tcp://127.0.0.1:{port_in_use(target)}"
    source.configure([homes.Device(target.id, "target", address)], [homes.Folder("lab", folder, [target.id])])
    source.start()
    both = [source, target]

    def udp_ports():
        return {port["name"]: port["udp_port"] for port in target.weft_status()["ports"]}

    chosen = udp_ports()
    assert min(first, 60000) <= chosen["left"] <= min(first, 60000) + 400
    assert chosen["right"] == 22100, "weft.toml names it"
    weftlab.wait_active(source, 2, both)
    assert next(p for p in source.paths() if p["port"] == "left")["remote"].endswith(f":{chosen['left']}")
    target.restart()
    assert udp_ports() == chosen


def test_without_multipath_one_path_carries(lab):
    source, target = lab.weft("source"), lab.weft("target")
    source.options["multipathEnabled"] = False
    folder, _ = weftlab.join(source, target)
    weftlab.add_memif_paths(target, source)
    start(source, target)
    both = [source, target]
    weftlab.wait_until(lambda: sorted(target.states().values()) == ["active", "standby"], 30, "one of two paths is in use",
                       alive=both)
    assert source.policy().stdout.strip() == "active-backup"
    trees.make_large(folder / "file", 20 * MIB, 1)
    source.scan("lab")
    weftlab.wait_same(source, target, deadline_s=60)
    carried = {path["port"]: path["chunk_bytes_in"] for path in target.paths()}
    assert min(carried.values()) == 0 and max(carried.values()) >= 20 * MIB, carried


def test_a_range_without_room_for_the_data_cores_is_refused(lab):
    weft = lab.weft("weft")
    weft.options.update(randomPortsEnabled=True, randomPortRangeStart=40000, randomPortRangeEnd=40000)
    weft.configure([], [])
    weft.set_ports([homes.Port("left", "net_memif0,role=server,id=0,socket=/tmp/none.sock", "10.1.0.1/24")], engine={"cores": 2})
    text = (weft.home / "weft.toml").read_text()
    (weft.home / "weft.toml").write_text(re.sub(r"^udp_port = .*\n", "", text, flags=re.MULTILINE))
    refused = weft.run(weftlab.weft_binary(), "serve", "--home", weft.home, check=False)
    assert refused.returncode == 2
    assert "port left" in refused.stderr and "randomPortRangeEnd 40000" in refused.stderr and "udp_port" in refused.stderr

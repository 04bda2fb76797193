"""Traffic that is moved between paths while files are on their way, by the operator at either end and by weft itself.

    weft "source"  ==== left  (net_memif, 10.1.0.0/24) ====  weft "target"
                   ==== right (net_memif, 10.2.0.0/24) ====
                   ---- link (TLS over loopback TCP) ------

Promises: nothing is fetched twice for a migration's sake, both ends follow whichever is asked, a wrong wish changes nothing,
what is said of it (command line, events, log) is what happened.
"""
import pytest

import trees
import weftlab

MIB = trees.MIB
SLOW_BPS = 50_000_000        # per path, so that a test catches a transfer in its middle


@pytest.fixture
def pair(lab):
    return make_pair(lab)


def make_pair(lab, **tables):
    source, target = lab.weft("source"), lab.weft("target")
    folder, _ = weftlab.join(source, target)
    weftlab.add_memif_paths(source, target, **tables)
    return source, target, folder


def start(source, target, states=("active", "active")):
    source.start()
    target.start()
    for daemon in (source, target):
        weftlab.wait_states(daemon, dict(zip(("left", "right"), states)), [source, target])


def begin_transfer(source, target, folder, size, seed, rate_Bps=SLOW_BPS):
    for port in ("left", "right"):
        source.impair(port, rate_Bps=rate_Bps, direction="tx")
    before = target.totals()["bytes_verified"]
    trees.make_large(folder / f"file{seed}", size, seed)
    source.scan("lab")
    weftlab.wait_until(lambda: target.totals()["bytes_verified"] > before + size // 10, 60, "the file is on its way", 0.02,
                       [source, target])


def events(daemon, kind):
    return [event for event in daemon.rest.get("/rest/events", timeout=0) if event["type"] == kind]


@pytest.mark.parametrize("who", ["source", "target"])
def test_a_switch_under_load_moves_everything_and_sends_nothing_twice(pair, who):
    source, target, folder = pair
    start(source, target)
    both = [source, target]
    asked = source if who == "source" else target
    begin_transfer(source, target, folder, 100 * MIB, 1)
    shown = asked.cli("paths", "switch", "left").stdout
    assert "left:left" in shown and "migrating leave right:right (operator)" in shown
    for daemon in both:
        weftlab.wait_states(daemon, {"left": "active", "right": "standby"}, both)
    settled = target.payload()
    weftlab.wait_same(source, target, deadline_s=60)
    assert target.payload()["right"] <= settled["right"] + 2 * MIB, "what was under way came to its end, and no more"
    totals = target.totals()
    assert totals["bytes_verified"] == 100 * MIB and totals["bytes_via_link"] == 0
    # What the slow paths' queues dropped was sent again, and came once. A machine that puts a core aside for 10 ms makes a path
    # fall, switch or no switch, and what that one had comes twice.
    if not any("why=silence" in daemon.log_text() for daemon in both):
        assert totals["duplicate_bytes"] == 0
    weftlab.wait_until(lambda: asked.migration()["state"] in ("completed", "stable"), 10, "the migration is over", alive=both)
    (started,), (completed,) = events(asked, "PathMigrationStarted"), events(asked, "PathMigrationCompleted")
    assert started["data"]["from"] == ["right:right"] and started["data"]["to"] == ["left:left"] and started["data"]["reason"] == "operator"
    assert completed["data"]["durationMs"] > 0 and completed["id"] > started["id"]
    assert "migration completed" in asked.log_text()
    assert target.migration()["pinned"] and source.migration()["pinned"]

    asked.cli("migrate", "--auto")
    for daemon in both:
        weftlab.wait_states(daemon, {"left": "active", "right": "active"}, both)
    # The end with the lower device ID decides what is not urgent, whoever was asked.
    assert "recovered" in [move["reason"] for move in (daemon.migration()["last"] for daemon in both) if move]


def test_from_one_to_the_other_and_back(pair):
    source, target, folder = pair
    start(source, target)
    both = [source, target]
    target.cli("paths", "switch", "right")
    weftlab.wait_states(source, {"left": "standby", "right": "active"}, both)
    begin_transfer(source, target, folder, 100 * MIB, 1)
    for leave, take in (("right", "left"), ("left", "right")):
        source.cli("migrate", "--from", leave, "--to", take)
        for daemon in both:
            weftlab.wait_states(daemon, {leave: "standby", take: "active"}, both)
    weftlab.wait_same(source, target, deadline_s=60)
    assert min(target.payload().values()) > 0
    totals = target.totals()
    assert totals["bytes_verified"] == 100 * MIB and totals["duplicate_bytes"] == 0


def test_a_closed_path_comes_back_when_it_is_added(pair):
    source, target, folder = pair
    start(source, target)
    both = [source, target]
    begin_transfer(source, target, folder, 60 * MIB, 1)
    source.cli("paths", "close", "right")
    for daemon in both:
        weftlab.wait_states(daemon, {"left": "active"}, both)
    assert [event["data"]["path"] for event in events(target, "PathRemoved")] == ["right:right"]
    assert "right:right  absent" in source.cli("paths").stdout
    refused = target.cli("paths", "close", "left", check=False)
    assert refused.returncode == 2 and "cannot-close-active" in refused.stderr
    target.cli("paths", "add", "right:right")
    for daemon in both:
        weftlab.wait_states(daemon, {"left": "active", "right": "active"}, both)
    weftlab.wait_same(source, target, deadline_s=60)
    assert target.totals()["bytes_verified"] == 60 * MIB


def test_wrong_wishes_say_why_and_change_nothing(pair):
    source, target, _ = pair
    refused = lambda *words: source.cli(*words, check=False)
    start(source, target)
    before = source.migration()
    target.impair("right", blackhole=True)
    weftlab.wait_until(lambda: source.states()["right"] == "down", 30, "a path is down", alive=[source, target])
    for words, word in ((("paths", "switch", "middle"), "unknown-path"), (("paths", "switch", "right"), "not-validated"),
                        (("paths", "close", "left"), "cannot-close-active"), (("paths", "add", "left:left"), "path-exists"),
                        (("paths", "probe", "right", "--deadline-ms", "50"), "deadline-exceeded"),
                        (("migrate", "--from", "left", "--to", "right"), "not-validated"),
                        (("migrate", "--from", "left", "--to", "left"), "nothing-to-do"),
                        (("migrate", "--auto"), "nothing-to-do")):
        result = refused(*words)
        assert result.returncode == 2 and word in result.stderr and result.stdout == "", (words, result.stderr)
    target.impair("right")
    weftlab.wait_states(source, {"left": "active", "right": "active"}, [source, target])
    after = source.migration()
    assert after["begun"] == before["begun"] and after["state"] == "stable"
    assert source.cli("paths", "probe", "right").stdout.startswith("right answers: ")


def test_with_a_stock_peer_or_without_ports_there_is_nothing_to_steer(lab):
    lone = lab.weft("lone")
    lone.configure([], [])
    lone.start()
    assert lone.cli("paths").stdout == "no paths: no datapath with any device now\n"
    assert "not-enabled" in lone.cli("paths", "switch", "left", check=False).stderr
    with_port = lab.weft("port")
    with_port.configure([], [])
    weftlab.add_memif_paths(with_port, lab.weft("nobody"), names=("left",))
    with_port.start()
    assert "not-supported" in with_port.cli("paths", "switch", "left", check=False).stderr


def test_one_path_at_a_time_follows_a_fall(lab):
    source, target, folder = make_pair(lab)
    source.options["multipathEnabled"] = False
    weftlab.join(source, target)
    source.start()
    target.start()
    both = [source, target]
    weftlab.wait_until(lambda: sorted(source.states().values()) == ["active", "standby"], 30, "one of two is in use", alive=both)
    begin_transfer(source, target, folder, 100 * MIB, 1)
    used = next(port for port, state in source.states().items() if state == "active")
    other = "right" if used == "left" else "left"
    source.impair(used, blackhole=True)
    weftlab.wait_states(source, {used: "down", other: "active"}, both)
    source.impair(used)
    weftlab.wait_states(source, {used: "standby", other: "active"}, both)
    weftlab.wait_same(source, target, deadline_s=60)
    reasons = {event["data"]["reason"] for daemon in both for event in events(daemon, "PathMigrationCompleted")}
    assert "failure" in reasons


def test_dear_and_metered_ports_stand_by_and_the_explanation_says_so(lab):
    source, target, folder = make_pair(lab, migrate={"prefer": ["left"]})
    start(source, target, ("active", "standby"))
    both = [source, target]
    weftlab.wait_until(lambda: all(daemon.migration()["state"] in ("completed", "stable") for daemon in both), 10,
                       "the dearer path is left", 0.05, both)
    explained = source.cli("migrate", "--explain").stdout
    assert "another costs less" in explained and "nothing would be changed" in explained
    begin_transfer(source, target, folder, 60 * MIB, 1)
    source.impair("left", blackhole=True)               # dearer, but better than none
    weftlab.wait_same(source, target, deadline_s=60)
    assert target.payload()["right"] > 0 and target.totals()["bytes_via_link"] == 0
    source.impair("left")
    weftlab.wait_states(source, {"left": "active", "right": "standby"}, both)


def test_never_metered_means_never(lab):
    source, target, _ = make_pair(lab)
    for daemon in (source, target):
        toml = daemon.home / "weft.toml"
        text = toml.read_text().replace('name = "right"\n', 'name = "right"\nmetered = true\n')
        toml.write_text(text + '\n[migrate]\nmetered = "never"\n' if daemon is source else text)
    source.start()
    target.start()
    both = [source, target]
    for daemon in both:
        weftlab.wait_states(daemon, {"left": "active"}, both)


@pytest.mark.parametrize("who", ["source", "target"])
def test_a_handover_costs_a_pause_and_no_byte(pair, who):
    source, target, folder = pair
    start(source, target)
    both = [source, target]
    size = 200 * MIB
    begin_transfer(source, target, folder, size, 1)
    daemon = source if who == "source" else target
    process = daemon.process.pid
    started = daemon.rest.get("/rest/system/status")["startTime"]
    said = daemon.cli("handover").stdout
    assert said.startswith("handed over: it answers again after "), said
    assert daemon.process.pid == process and daemon.is_alive()
    assert daemon.rest.get("/rest/system/status")["startTime"] > started
    weftlab.wait_same(source, target, deadline_s=60)
    totals = target.totals()                        # of the new one, where it is the target
    assert totals["bytes_verified"] + totals["bytes_reused"] == size
    for other in both:
        assert "refused" not in other.log_text(), "who dialled meanwhile had to wait, no more"


def test_a_handover_to_nothing_is_refused_and_nothing_ends(lab):
    weft = lab.weft("weft")
    weft.configure([], [])
    weft.start()
    started = weft.rest.get("/rest/system/status")["startTime"]
    good = (weft.home / "weft.toml").read_text()
    (weft.home / "weft.toml").write_text("[engine]\ncores = 99\n")
    refused = weft.cli("handover", check=False)
    assert refused.returncode == 2 and "cores" in refused.stderr
    (weft.home / "weft.toml").write_text(good)
    assert weft.rest.get("/rest/system/status")["startTime"] == started

"""`weft bench`: between two wefts that it starts, over the paths of wefts that run, and the floor. What it says is checked for
being there and being consistent; how fast this machine is, is nobody's promise."""
import json
import subprocess

import pytest

import weftlab

LIMIT_S = 120


def bench(*words):
    done = subprocess.run([weftlab.weft_binary(), "bench", *words], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    return done.returncode, done.stdout, done.stderr


def measured(*words):
    code, out, err = bench("--seconds", "2", "--json", "-", *words)
    assert code == 0, err
    return json.loads(out)


def check_consistent(told):
    assert told["bytes"] > 0 and told["seconds"] >= 2
    assert told["bytes_per_second"] == pytest.approx(told["bytes"] / told["seconds"])
    for end in (told[name] for name in ("sender", "receiver") if name in told):
        assert end["packets"] > 0
        assert 0 <= end["idle_share"] < 1
        assert sum(end["cycles_per_packet"].values()) == pytest.approx(end["busy_cycles_per_packet"])


@pytest.mark.parametrize("places", [("memory", "memory"), ("disk", "disk")])
def test_between_two_of_its_own(tmp_path, places):
    told = measured("--from", places[0], "--to", places[1], "--dir", tmp_path)
    check_consistent(told)
    hashed = told["receiver"]["cycles_per_packet"]["hash"]
    sealed = told["sender"]["cycles_per_packet"]["seal"]
    assert sealed > told["receiver"]["cycles_per_packet"]["seal"]
    assert (hashed > sealed / 4) == (places[1] == "disk")
    assert (told["synced_s"] > 0) == (places[1] == "disk")
    assert told["block_times_us"]["p50"] <= told["block_times_us"]["longest"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mtu,paths", [(1500, 1), (9000, 8)])
def test_in_one_process(mtu, paths):
    told = measured("--one-process", "--mtu", str(mtu), "--paths", str(paths), "--verify")
    assert told["bytes"] > 0 and told["packets_lost"] == 0 and told["sent_again_bytes"] == 0
    cycles = {end: told[end]["cycles_per_packet"] for end in ("sender", "receiver")}
    assert cycles["sender"]["seal"] > cycles["sender"]["open"] and cycles["receiver"]["open"] > cycles["receiver"]["seal"]
    assert cycles["receiver"]["hash"] > cycles["sender"]["hash"]
    assert "idle_share" not in told["sender"]
    packets = told["sender"]["packets"]
    assert told["bytes"] / packets == pytest.approx(mtu, rel=0.15)


def test_one_process_takes_neither_a_device_nor_a_disk():
    for words in (["nobody"], ["--to", "disk"], ["--cores", "2"], ["--raw"]):
        code, out, err = bench("--one-process", *words)
        assert code != 0 and "excludes" in err and not out
    code, _, err = bench("--one-process", "--block", "300")
    assert code != 0 and "power of two" in err


def test_the_floor(tmp_path):
    told = measured("--raw", "--dir", tmp_path)
    check_consistent(told)
    assert told["receiver"]["cycles_per_packet"]["open"] > 0 and told["sender"]["cycles_per_packet"]["seal"] > 0


def start_pair(lab, lab_table=None):
    source, target = lab.weft("source"), lab.weft("target")
    weftlab.join(source, target)
    weftlab.add_memif_paths(source, target, lab=lab_table)
    source.start()
    target.start()
    weftlab.wait_active(target, 2, [source, target])
    return source, target


def test_of_the_running_daemon(lab):
    source, target = start_pair(lab, lab_table={"bench": True})
    told = measured("source", "--home", target.home, "--from", "memory")
    check_consistent(told)
    assert "sender" not in told
    assert source.totals()["bytes_served"] >= told["bytes"]
    code, out, err = bench("source", "--home", target.home, "--seconds", "2")
    assert code == 0 and "cycles per packet" in out, err
    code, _, err = bench("nobody", "--home", target.home)
    assert code != 0 and "device" in err


def test_a_daemon_ends_in_the_middle_of_it(lab):
    source, target = start_pair(lab, lab_table={"bench": True})
    for ends, other in ((source, target), (target, source)):
        for daemon in (source, target):
            if not daemon.is_alive():
                daemon.start()
        weftlab.wait_active(target, 2, [source, target])
        target.rest.post("/rest/weft/bench", {"device": source.id, "seconds": 600, "verify": False})
        weftlab.wait_until(lambda: target.rest.get("/rest/weft/bench").get("bytes", 0) > 0, 20, "it runs", alive=[source, target])
        assert ends.stop() == 0
        assert other.is_alive()
        if ends is source:
            weftlab.wait_until(lambda: target.rest.get("/rest/weft/bench")["state"] == "failed", 20, "it says so", alive=[target])


def test_a_device_that_does_not_allow_it(lab):
    source, target = start_pair(lab)
    code, out, err = bench("source", "--home", target.home)
    assert code == 1 and "bench = true under [lab]" in err, out

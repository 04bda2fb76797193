"""`weft lab` whole: it starts two wefts itself, or finds two running, moves files, lets a path go silent, and judges.

    weft lab scenario.toml
       |-- weft serve (a)  ==== left, right (net_memif) ====  weft serve (b) --|      both are its children
    weft lab --ports attached.toml
       ....REST.... weft "source" ==== ==== weft "target" ....REST....               both ran before

Promises: what holds is exit code 0, what does not is 1 and named, a wrong file is 2 and starts nothing; nothing is left
behind, whatever ends it.
"""
import json
import os
import pathlib
import signal
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

import homes
import weftlab

LIMIT_S = 120
SCENARIO = """
title = "small"
[[link]]
name = "left"
rate_mbit = 160
delay_ms = 0.2
[[link]]
name = "right"
rate_mbit = 80
queue_ms = 10
[[transfer]]
size_mb = 15
files = 3
[[transfer]]
size_mb = 1
files = 20
direction = "b-to-a"
[[run]]
name = "left-alone"
links = ["left"]
[[run]]
name = "both"
  [[run.event]]
  at_percent = 30
  do = "silence"
  links = ["right"]
  [[run.event]]
  at_percent = 60
  do = "heal"
  links = ["right"]
  [run.expect]
  %s
"""


@pytest.fixture
def scenario(tmp_path):
    def write(expectations):
        path = tmp_path / "small.toml"
        path.write_text(SCENARIO % expectations, encoding="utf-8")
        return path
    return write


def run_lab(tmp_path, *arguments):
    return subprocess.run([str(weftlab.weft_binary()), "lab", *map(str, arguments)], capture_output=True, text=True,
                          timeout=LIMIT_S * weftlab.PATIENCE, check=False, env=dict(os.environ, TMPDIR=str(tmp_path)))


def left_behind(tmp_path):
    """Directories that are still there, and processes that still run on homes in them."""
    found = [str(path) for path in tmp_path.glob("weft-lab-*")]
    for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(tmp_path).encode() in process.read_bytes() and b"serve" in process.read_bytes():
                found.append(process.parent.name)
        except OSError:
            pass                                   # it ended while we looked
    return found


def test_a_scenario_that_holds(tmp_path, scenario):
    junit, figures = tmp_path / "lab.xml", tmp_path / "lab.json"
    done = run_lab(tmp_path, scenario("duplicate_share_max = 1\n  link_share_min = { left = 0.1, right = 0.01 }"),
                   "--seed", 5, "--junit", junit, "--json", figures)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "right goes silent" in done.stdout and "right is restored" in done.stdout
    assert done.stdout.count("ok    every_byte_right: all equal") == 2
    assert "All held." in done.stdout

    suites = ElementTree.parse(junit).getroot()
    assert (suites.tag, suites.get("failures"), suites.get("errors")) == ("testsuites", "0", "0")
    assert len(suites.findall("./testsuite/testcase")) == int(suites.get("tests")) == 5
    report = json.loads(figures.read_text(encoding="utf-8"))["reports"][0]
    assert report["seed"] == 5 and report["held"]
    alone, both = (run["figures"] for run in report["runs"])
    assert alone["payload_bytes"] == both["payload_bytes"] == 16_000_000
    assert alone["bytes_by_link"]["right"] == 0 and both["bytes_by_link"]["right"] > 0
    assert sum(alone["bytes_by_link"].values()) + alone["bytes_over_tls"] >= 16_000_000
    # The impairment stage is a limit, however quick the machine: 160 Mbit/s each way, both ways used.
    assert 0 < alone["goodput_mbit"] < 320
    assert not left_behind(tmp_path)


def test_a_scenario_that_does_not_hold(tmp_path, scenario):
    junit = tmp_path / "lab.xml"
    done = run_lab(tmp_path, scenario("goodput_mbit_min = 100000\n  duplicate_share_max = 1"), "--junit", junit)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAIL  goodput_mbit_min" in done.stdout and "Not all held." in done.stdout
    failed = ElementTree.parse(junit).findall("./testsuite/testcase[failure]")
    assert [(case.get("classname"), case.get("name")) for case in failed] == [("both", "goodput_mbit_min")]


@pytest.mark.parametrize("arguments,words", [
    (["{bad}"], "bad.toml:3: link.name"),
    (["{good}", "{none}"], "none.toml"),
    (["{good}", "--ports", "{bad}"], "bad.toml:3"),
    (["{good}", "--junit", "/nonexistent/x.xml"], "/nonexistent/x.xml"),
    ([], "SCENARIO"),
], ids=["bad scenario", "second not there", "bad ports", "no place for the report", "no scenario"])
def test_wrong_use_starts_nothing(tmp_path, scenario, arguments, words):
    (tmp_path / "bad.toml").write_text("title = 'x'\n[[link]]\nname = 'a b'\n", encoding="utf-8")
    names = {"bad": tmp_path / "bad.toml", "good": scenario(""), "none": tmp_path / "none.toml"}
    done = run_lab(tmp_path, *(text.format(**names) for text in arguments))
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr and done.stderr.count("\n") == 1
    assert done.stdout == "" and not left_behind(tmp_path)


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_it(tmp_path, scenario, ended_by):
    slow = scenario("").read_text(encoding="utf-8").replace("rate_mbit = 160", "rate_mbit = 2")
    (tmp_path / "slow.toml").write_text(slow, encoding="utf-8")
    lab = subprocess.Popen([str(weftlab.weft_binary()), "lab", str(tmp_path / "slow.toml")], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, env=dict(os.environ, TMPDIR=str(tmp_path)))
    try:
        # Both are up, and something is under way.
        weftlab.wait_until(lambda: len([name for name in left_behind(tmp_path) if name.isdigit()]) == 2 and
                           list(tmp_path.glob("weft-lab-*/b/folder/weft-lab-*")), 60, "both wefts run")
        lab.send_signal(ended_by)
        output = lab.communicate(timeout=60 * weftlab.PATIENCE)[0]
    finally:
        lab.kill()
        lab.wait()
    weftlab.wait_until(lambda: not [name for name in left_behind(tmp_path) if name.isdigit()], 20, "no weft runs")
    if ended_by != signal.SIGKILL:
        assert lab.returncode == 1 and "interrupted" in output
        assert not left_behind(tmp_path)


def test_wefts_that_run_already(lab, tmp_path, scenario):
    source, target = lab.weft("source"), lab.weft("target")
    weftlab.join(source, target)
    ports = [("left", "east"), ("right", "west")]
    weftlab.add_memif_paths(source, target, names=[name for _, name in ports])
    for daemon in (source, target):
        daemon.start()
    attached = tmp_path / "attached.toml"
    attached.write_text("\n".join(
        [f'[{side}]\nurl = "http://127.0.0.1:{daemon.gui_port}"\napi_key = "{weftlab.API_KEY}"'
         for side, daemon in (("a", source), ("b", target))] +
        [f'[[link]]\nname = "{link}"\na = {{ port = "{port}" }}\nb = {{ port = "{port}" }}' for link, port in ports]),
        encoding="utf-8")
    done = run_lab(tmp_path, scenario("duplicate_share_max = 1"), "--ports", attached)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ports of wefts that ran already" in done.stdout
    for daemon in (source, target):                # they go on, unimpaired, and the files go
        ports = daemon.weft_status()["ports"]
        assert not any(port["impairment"]["rate_Bps"] or port["impairment"]["blackhole"] for port in ports), ports
        weftlab.wait_until(lambda: not list(daemon.folder_path("lab").glob("weft-lab-*/transfer-*/*.bin")), 30,
                           "the laboratory's files are gone", alive=[source, target])

    homes.write_weft_toml(target.home, [], impair=False)
    target.restart()
    refused = run_lab(tmp_path, scenario(""), "--ports", attached)
    assert refused.returncode == 1 and "does not allow impairment" in refused.stdout

"""What monitoring sees of a daemon: metrics and alert rules as Prometheus' own promtool judges them, log levels at run time."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

import weftlab

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "engine/api/alerts.yml"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "weft/bin"


def promtool(*arguments, text=None):
    program = shutil.which("promtool") or str(CACHE / "promtool")   # scripts/setup.sh puts it there
    done = subprocess.run([program, *map(str, arguments)], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def pair(lab):
    source, target = lab.weft("source"), lab.weft("target")
    weftlab.join(source, target)
    weftlab.add_memif_paths(target, source)
    source.start()
    target.start()
    weftlab.wait_active(source, 2, [source, target])
    return source, target


def test_metrics_are_what_prometheus_takes_and_alerts_name_only_those_there_are(pair):
    text = pair[0].rest.get("/metrics")
    assert promtool("check", "metrics", text=text) == ""   # it lints names, units and help texts too
    known = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    asked = set(re.findall(r"\bweft_\w+", "\n".join(re.findall(r"expr:(.*?)\n +(?:for|labels):", RULES.read_text(), re.DOTALL))))
    assert asked and asked <= known


def test_alerts_fire_on_what_they_say():
    promtool("check", "rules", RULES)
    promtool("test", "rules", ROOT / "tests/e2e/alerts_test.yml")


def value(daemon, name, **labels):
    for line in daemon.rest.get("/metrics").splitlines():
        if line.startswith(name + "{") and all(f'{key}="{wanted}"' in line for key, wanted in labels.items()):
            return float(line.rsplit(" ", 1)[1])
    return None


def test_a_failover_is_counted_and_logged(pair):
    source, target = pair
    assert value(source, "weft_device_connects_total") == 1
    assert value(source, "weft_failovers_total", to="path") == 0
    source.impair("left", link_down=True)
    weftlab.wait_until(lambda: value(source, "weft_failovers_total", to="path") == 1, 10, "the failover is counted",
                       alive=[source, target])
    assert value(source, "weft_path_up", port="left") == 0 and value(source, "weft_path_up", port="right") == 1
    source.impair("left")
    weftlab.wait_until(lambda: value(source, "weft_path_returns_total") == 1, 10, "the return is counted", alive=[source, target])
    assert value(source, "weft_path_probes_total", port="left") > 0
    assert "paths   path changed" in source.log_text() and "to=down" in source.log_text()


def test_further_links_of_wefts_resume_the_first_ones_tls_session(pair):
    source, target = pair
    weftlab.wait_until(lambda: value(source, "weft_links") == 3 and value(target, "weft_links") == 3, 30, "three links are up",
                       alive=[source, target])
    for daemon in pair:
        assert value(daemon, "weft_link_handshakes_total", kind="full") == 1
        assert value(daemon, "weft_link_handshakes_total", kind="resumed") == 2
        assert value(daemon, "weft_session_setups_total", kind="new") == 1


def test_log_levels_change_while_it_runs(pair):
    source = pair[0]

    def command(*words):
        return source.run(weftlab.weft_binary(), "log-level", "--home", source.home, *words, check=False)

    assert command().stdout.split() == [word for name in ("daemon", "links", "paths", "ports", "folders", "api")
                                        for word in (name, "INFO")]
    shown = command("error,paths=debug").stdout
    assert re.search(r"^paths +DEBUG$", shown, re.MULTILINE) and re.search(r"^links +ERROR$", shown, re.MULTILINE)
    before = len(source.log_text())
    source.impair("left", link_down=True)
    weftlab.wait_until(lambda: "path changed" in source.log_text()[before:], 10, "paths still log", alive=[source])
    assert "links " not in source.log_text()[before:] and "ports " not in source.log_text()[before:]
    wrong = command("links=loud")
    assert wrong.returncode == 2 and "links=loud: no such level or subsystem" in wrong.stderr
    assert source.rest.get("/rest/system/loglevels")["levels"]["paths"] == "DEBUG"

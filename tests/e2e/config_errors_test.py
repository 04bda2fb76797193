"""Wrong configuration: one sentence that names file, element and remedy, exit code 2, nothing started.

    broken home  ->  weft serve  ->  "config.xml: folder \"docs\": ... ", exit code 2
"""
import re
import shutil
import subprocess

import pytest

import homes
import weftlab

OTHER_ID = "P56IOI7-MZJNU2Y-IQGDREY-DM2MGTI-MGL3BXN-PQ6W5BM-TBBZ4TJ-XZWICQ2"
PORT = '[[port]]\nname = "left"\ndevice = "net_ring0"\naddress = "10.1.0.1/24"\n'


@pytest.fixture
def weft(lab):
    daemon = lab.weft("weft")
    daemon.configure([homes.Device(OTHER_ID, "other")], [homes.Folder("docs", daemon.folder_path("docs"), [OTHER_ID])])
    return daemon


def refused(weft, *words):
    """Serves the home, which must be refused in one sentence with these words."""
    result = weft.run(weftlab.weft_binary(), "serve", "--home", weft.home, check=False)
    lines = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]
    assert result.returncode == 2, (result.returncode, lines)
    assert len(lines) == 1, lines
    for word in words:
        assert re.search(word, lines[0], re.IGNORECASE), f"{word!r} is not in: {lines[0]}"
    assert "std::" not in lines[0] and "exception" not in lines[0].lower()


def edit(weft, pattern, replacement):
    path = weft.home / "config.xml"
    text, count = re.subn(pattern, lambda _: replacement, path.read_text(encoding="utf-8"), count=1, flags=re.DOTALL)
    assert count == 1, f"{pattern} is not in config.xml"
    path.write_text(text, encoding="utf-8")


def test_no_home(weft, tmp_path):
    weft.home = tmp_path / "nothing here"
    refused(weft, "nothing here", "weft init")


def test_no_key(weft):
    (weft.home / "key.pem").unlink()
    refused(weft, r"key\.pem")


def test_key_of_another(weft, lab):
    other = lab.weft("other")
    shutil.copy(other.home / "key.pem", weft.home / "key.pem")
    refused(weft, r"\.pem")


@pytest.mark.parametrize("pattern,replacement,words", [
    (r"</options>", "", [r"config\.xml"]),
    (r'<folder id="docs"', '<folder id=""', [r"config\.xml", "folder", "id"]),
    (r'path="[^"]*"', 'path=""', [r"config\.xml", "docs", "path"]),
    (r'type="sendreceive"', 'type="receiveencrypted"', [r"config\.xml", "docs", "receiveencrypted"]),
    (r'<device id="P56IOI7', '<device id="Q56IOI7', [r"config\.xml", "device", "Q56IOI7"]),
    (r"<address>127[^<]*</address>", "<address>nowhere</address>", ["nowhere"]),
    (r"<listenAddress>[^<]*<", "<listenAddress>tcp://127.0.0.1:99999<", ["99999"]),
    (r'version="36"', 'version="99"', [r"config\.xml", "99"]),
    (r"<paused>false</paused>", "<paused>perhaps</paused>", [r"config\.xml", "paused", "perhaps"]),
], ids=["not xml", "folder id", "folder path", "folder type", "device id", "gui address", "listen address", "version",
        "boolean"])
def test_config_xml(weft, pattern, replacement, words):
    edit(weft, pattern, replacement)
    refused(weft, *words)


def test_duplicate_folder(weft):
    text = (weft.home / "config.xml").read_text(encoding="utf-8")
    folder = re.search(r"<folder .*?</folder>", text, re.DOTALL).group(0)
    edit(weft, r"</folder>", "</folder>" + folder)
    refused(weft, r"config\.xml", "docs")


@pytest.mark.parametrize("text,words", [
    ("[engine\n", [r"weft\.toml:1"]),
    ("[engine]\ncores = 0\n", [r"weft\.toml:2", r"engine\.cores", "from 1 to"]),
    ("[engine]\ncore = 1\n", [r"weft\.toml:2", "cores"]),
    ('[engine]\ncores = "two"\n', [r"weft\.toml:2", r"engine\.cores", "number"]),
    ('[scheduler]\npolicy = "fastest"\n', [r"weft\.toml:2", r"scheduler\.policy", "min-rtt"]),
    (PORT + PORT.replace("net_ring0", "net_ring1").replace("10.1", "10.2"), [r"weft\.toml:6", "name", "left"]),
    (PORT + PORT.replace('"left"', '"right"').replace("net_ring0", "net_ring1"), [r"weft\.toml", "address", "left"]),
    (PORT + PORT.replace('"left"', '"right"').replace("10.1", "10.2"), [r"weft\.toml", "device", "left"]),
    (PORT.replace("10.1.0.1/24", "10.1.0.300/24"), [r"weft\.toml", r"port\.address"]),
    (PORT + "mtu = 20\n", [r"weft\.toml:5", r"port\.mtu"]),
    (PORT.replace("net_ring0", "net_nosuchdriver0"), ["left", "net_nosuchdriver0"]),
    (PORT.replace("net_ring0", "net_af_packet0,iface=nosuchiface0"), ["left", "nosuchiface0"]),
], ids=["not toml", "bound", "unknown key", "type", "word", "same name", "same address", "same device", "address", "mtu",
        "driver", "interface"])
def test_weft_toml(weft, text, words):
    (weft.home / "weft.toml").write_text(text, encoding="utf-8")
    refused(weft, *words)


def test_rest_address_in_use(weft, lab):
    """Not a matter of the file, but the sentence still names what to change."""
    other = lab.weft("other")
    other.configure([], [])
    other.start()
    edit(weft, r"<address>127[^<]*</address>", f"<address>127.0.0.1:{other.gui_port}</address>")
    result = weft.run(weftlab.weft_binary(), "serve", "--home", weft.home, check=False)
    assert result.returncode in (1, 2)
    assert str(other.gui_port) in result.stderr + result.stdout


def test_wrong_command_line(weft):
    result = weft.run(weftlab.weft_binary(), "serve", "--home", weft.home, "--log-level", "loud", check=False)
    assert result.returncode == 2 and "log-level" in result.stderr
    assert weft.run(weftlab.weft_binary(), "fly", check=False).returncode == 2


def test_help_is_for_newcomers():
    result = subprocess.run([weftlab.weft_binary(), "--help"], capture_output=True, text=True, check=True)
    for word in ("init", "id", "serve", "status", "Syncthing"):
        assert word in result.stdout

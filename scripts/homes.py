"""Writes the configuration of a device: config.xml in Syncthing's layout (stock 1.19 and weft read the same file) and
weft.toml. Used by weftlab.py; values in, files out, no process is started here.

Everything that would leave the machine is off: discovery, relays, NAT, reports, upgrades. Every folder element is written
out, because 1.19 takes a missing one for zero.
"""
import dataclasses
import json
import pathlib
import xml.etree.ElementTree as ElementTree


@dataclasses.dataclass
class Device:
    id: str
    name: str
    address: str = "dynamic"           # "tcp://127.0.0.1:22000", or "dynamic": it dials us
    more_addresses: tuple = ()
    connections: int = 0               # numConnections; 0: as many as the program likes


@dataclasses.dataclass
class Folder:
    id: str
    path: pathlib.Path
    devices: list                      # IDs it is shared with
    type: str = "sendreceive"
    rescan_s: int = 3600
    watch: bool = False


@dataclasses.dataclass
class Port:
    """One [[port]] of weft.toml."""
    name: str
    device: str                        # DPDK's device string
    address: str                       # "10.1.0.1/24"
    udp_port: int = 22100
    mtu: int = 1500
    role: str = "primary"
    congestion: str = "cubic"
    # Written where they say something.
    gateway: str = ""
    vlan: int = 0
    exception: str = ""
    to: tuple = ()


def _child(parent, tag, text):
    ElementTree.SubElement(parent, tag).text = str(text).lower() if isinstance(text, bool) else str(text)


def _add_folder(root, folder, own_id):
    element = ElementTree.SubElement(root, "folder", {
        "id": folder.id, "label": folder.id, "path": str(folder.path), "type": folder.type,
        "rescanIntervalS": str(folder.rescan_s), "fsWatcherEnabled": str(folder.watch).lower(), "fsWatcherDelayS": "1",
        "ignorePerms": "false", "autoNormalize": "true"})
    _child(element, "filesystemType", "basic")
    for device in [own_id, *folder.devices]:
        shared = ElementTree.SubElement(element, "device", {"id": device, "introducedBy": ""})
        _child(shared, "encryptionPassword", "")
    ElementTree.SubElement(element, "minDiskFree", {"unit": "%"}).text = "0"
    versioning = ElementTree.SubElement(element, "versioning")
    _child(versioning, "cleanupIntervalS", 3600)
    _child(versioning, "fsPath", "")
    _child(versioning, "fsType", "basic")
    for tag, value in {
            "copiers": 0, "pullerMaxPendingKiB": 0, "hashers": 0, "order": "random", "ignoreDelete": False,
            "scanProgressIntervalS": 0, "pullerPauseS": 0, "maxConflicts": 10, "disableSparseFiles": False,
            "disableTempIndexes": False, "paused": False, "weakHashThresholdPct": 25, "markerName": ".stfolder",
            "copyOwnershipFromParent": False, "modTimeWindowS": 0, "maxConcurrentWrites": 2, "disableFsync": False,
            "blockPullOrder": "standard", "copyRangeMethod": "standard", "caseSensitiveFS": False,
            "junctionsAsDirs": False}.items():
        _child(element, tag, value)


def _add_device(root, device):
    element = ElementTree.SubElement(root, "device", {
        "id": device.id, "name": device.name, "compression": "metadata", "introducer": "false",
        "skipIntroductionRemovals": "false", "introducedBy": ""})
    for address in device.more_addresses:
        _child(element, "address", address)
    if device.connections:             # stock 1.19 does not know it
        _child(element, "numConnections", device.connections)
    for tag, value in {"address": device.address, "paused": False, "autoAcceptFolders": False, "maxSendKbps": 0,
                       "maxRecvKbps": 0, "maxRequestKiB": 0, "untrusted": False, "remoteGUIPort": 0}.items():
        _child(element, tag, value)


def write_config(home, own, gui_address, api_key, devices, folders, more_options=None):
    """own: this device, with the address it listens on. more_options: further or other <options>. Replaces config.xml."""
    root = ElementTree.Element("configuration", {"version": "36"})
    for folder in folders:
        _add_folder(root, folder, own.id)
    for device in [Device(own.id, own.name), *devices]:
        _add_device(root, device)
    gui = ElementTree.SubElement(root, "gui", {"enabled": "true", "tls": "false", "debugging": "false"})
    _child(gui, "address", gui_address)
    _child(gui, "apikey", api_key)
    _child(gui, "theme", "default")
    ElementTree.SubElement(root, "ldap")
    options = ElementTree.SubElement(root, "options")
    for tag, value in {
            "listenAddress": own.address, "globalAnnounceEnabled": False, "localAnnounceEnabled": False,
            "relaysEnabled": False, "natEnabled": False, "crashReportingEnabled": False, "startBrowser": False,
            "urAccepted": -1, "autoUpgradeIntervalH": 0, "reconnectionIntervalS": 1, "keepTemporariesH": 24,
            "progressUpdateIntervalS": 5, "setLowPriority": False, **(more_options or {})}.items():
        _child(options, tag, value)
    free = ElementTree.SubElement(options, "minHomeDiskFree", {"unit": "%"})
    free.text = "0"
    ElementTree.indent(root, "    ")
    ElementTree.ElementTree(root).write(pathlib.Path(home) / "config.xml", encoding="utf-8")


def write_weft_toml(home, ports, engine=None, scheduler=None, disk=None, links=None, migrate=None, lab=None, impair=True):
    """engine, scheduler, disk, links, migrate, lab: the keys of these tables. JSON's scalars and lists are TOML's."""
    lines = []
    for table, keys in (("engine", engine), ("scheduler", scheduler), ("disk", disk), ("links", links), ("migrate", migrate),
                        ("lab", {"impair": impair, **(lab or {})})):
        if keys:
            lines += [f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items()), ""]
    for port in ports:
        lines.append("[[port]]")
        for key, value in dataclasses.asdict(port).items():
            if key in ("gateway", "vlan", "exception", "to") and not value:
                continue
            lines.append(f"{key} = {json.dumps([value] if key == 'address' else value)}")
        lines.append("")
    (pathlib.Path(home) / "weft.toml").write_text("\n".join(lines), encoding="utf-8")

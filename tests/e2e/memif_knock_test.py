"""Memif clients that come at the wrong moment. One connects and is gone before the server has said hello: what a weft does that
dies at its start, or that gives up on a busy server. DPDK's driver then forgets to unregister the connection, and aborts the
process when it next looks at it (engine/nic/device_thread.cc keeps it from that). Another introduces itself just when the port
goes: between stop and close the driver would still take it, and never let go (engine/nic/port.cc)."""
import collections
import socket
import struct
import threading

import weftlab

KNOCKS = 300
ROUNDS = 15
MESSAGE_BYTES = 128
INIT = struct.pack("<HHIB", 3, 0x0200, 0, 0).ljust(MESSAGE_BYTES, b"\0")   # type, version 2.0, interface id, mode Ethernet


def connect(path):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        client.connect(b"\0" + str(path).encode())
    except OSError:
        client.close()
        raise
    client.settimeout(1)
    return client


def knock(path):
    with connect(path):
        pass


def test_clients_that_come_and_go(lab):
    source, target = lab.weft("source"), lab.weft("target")
    weftlab.join(source, target)
    weftlab.add_memif_paths(source, target)
    source.start()
    knocked = 0
    for _ in range(KNOCKS):
        try:
            knock(source.directory.parent / "left.sock")
            knocked += 1
        except OSError:    # its queue of connections is full
            pass
        source.check_alive()
    assert knocked > KNOCKS / 10
    target.start()
    weftlab.wait_active(target, 2, [source, target])


class Visitors:
    """Threads of clients that introduce themselves, stay for a few more, and go."""

    def __init__(self, path, count=3):
        self._path, self._stop = path, threading.Event()
        self.came = 0
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]

    def _run(self):
        here = collections.deque()
        while not self._stop.is_set():
            try:
                client = connect(self._path)
                here.append(client)
                client.recv(MESSAGE_BYTES)
                client.send(INIT)
                self.came += 1
            except OSError:    # its queue of connections is full, or it has closed this one
                pass
            while len(here) > 4:
                here.popleft().close()
        for client in here:
            client.close()

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_clients_that_come_while_the_port_goes(lab):
    source, target = lab.weft("source"), lab.weft("target")
    weftlab.join(source, target)
    weftlab.add_memif_paths(source, target, names=("left",))
    source.start()
    path = source.directory.parent / "left.sock"
    device = f"net_memif0,role=server,id=0,socket={path}"
    with Visitors(path) as visitors:
        for _ in range(ROUNDS):
            source.rest.call("DELETE", "/rest/weft/ports/left")
            weftlab.wait_until(lambda: not source.weft_status()["ports"], 30, "the port is gone", 0.01, [source])
            source.rest.post("/rest/weft/ports", {"name": "left", "address": "10.1.0.1/24", "device": device})
    assert visitors.came > ROUNDS
    target.start()
    weftlab.wait_active(target, 1, [source, target])

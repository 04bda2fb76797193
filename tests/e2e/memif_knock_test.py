"""A memif client that connects and is gone before the server has said hello: what a weft does that dies at its start, or that gives
up on a busy server. DPDK's driver then forgets to unregister the connection, and aborts the process when it next looks at it
(engine/nic/device_thread.cc keeps it from that)."""
import socket

import weftlab

KNOCKS = 300


def knock(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.connect(b"\0" + str(path).encode())


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

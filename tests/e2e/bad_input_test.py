"""What a hostile or broken peer gets on the link: the smallest thing closed, a count by reason, and a daemon that lives on.

    liar (Python, TLS or none) ---- loopback TCP ---- weft ---- an honest weft
"""
import socket
import ssl
import struct

import pytest

import bep_peer
import compare_trees
import homes
import trees
import weftlab

FOLDER = "lab"


@pytest.fixture
def stage(lab):
    """A running weft that knows one device whose key is ours, and shares a folder with it. Ends with the proof that an
    honest peer is still served."""
    weft, honest = lab.weft("weft"), lab.weft("honest")
    weft.certificate, weft.key, weft.peer_raw = bep_peer.make_certificate(lab.directory / "liar")
    liar = homes.Device(bep_peer.device_id_text(weft.peer_raw), "liar")
    path, copy = weft.folder_path(FOLDER), honest.folder_path(FOLDER)
    weft.configure([liar, homes.Device(honest.id, "honest")], [homes.Folder(FOLDER, path, [liar.id, honest.id])])
    honest.configure([homes.Device(weft.id, "weft", weft.listen)], [homes.Folder(FOLDER, copy, [weft.id])])
    trees.make_small(path, 20, 1)
    (lab.directory / "secret").write_bytes(b"outside the folder\n")
    weft.raw_id = bep_peer.hashlib.sha256(ssl.PEM_cert_to_DER_cert(
        (weft.home / "cert.pem").read_text(encoding="ascii"))).digest()
    weft.start()
    weftlab.wait_until(lambda: weftlab.in_sync(weft, FOLDER), 30, "the folder is scanned", alive=[weft])
    before = compare_trees.entries(path).keys()
    yield weft
    weft.check_alive()
    assert compare_trees.entries(path).keys() == before, "a liar changed the folder"
    honest.start()      # a liar's announcements may leave something needed for ever, so only the trees are asked
    weftlab.wait_until(lambda: compare_trees.look_alike(path, copy), 60, "an honest peer has the folder", 0.1, [weft, honest])
    assert not list(compare_trees.differences(path, copy))


def closed_links(weft):
    return weft.weft_status()["refusals"]["links_closed"]


def refused_messages(weft):
    return weft.weft_status()["refusals"]["messages"]


def expect_count(counts, reason, before, weft):
    weftlab.wait_until(lambda: counts(weft)[reason] > before[reason], 5,
                       f"{reason} is counted; now {counts(weft)}", alive=[weft])


def own_key(weft):
    return {"certificate": weft.certificate, "key": weft.key}


# ---- on the way to a link

def test_bytes_that_are_not_tls(stage):
    before = closed_links(stage)
    with socket.create_connection(bep_peer.address_of(stage), 15) as plain:
        plain.sendall(b"GET / HTTP/1.0\r\n\r\n" + bytes(range(256)) * 8)
        plain.settimeout(15)
        bep_peer.read_to_end(plain)
    expect_count(closed_links, "not-tls", before, stage)


def test_tls_1_2(stage):
    before = closed_links(stage)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with bep_peer.connect(stage, newest=ssl.TLSVersion.TLSv1_2, **own_key(stage)):
            pass
    expect_count(closed_links, "tls-version", before, stage)


def test_wrong_alpn(stage):
    before = closed_links(stage)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with bep_peer.connect(stage, alpn=("h2",), **own_key(stage)):
            pass
    expect_count(closed_links, "alpn", before, stage)


def test_no_certificate(stage):
    before = closed_links(stage)
    try:      # in TLS 1.3 the client may finish before it hears of the refusal
        with bep_peer.connect(stage) as connection:
            bep_peer.read_to_end(connection)
    except (ssl.SSLError, ConnectionError):
        pass
    expect_count(closed_links, "no-certificate", before, stage)


def test_unknown_device_is_shown_as_pending(stage, tmp_path):
    before = closed_links(stage)
    certificate, key, raw = bep_peer.make_certificate(tmp_path)
    with bep_peer.connect(stage, certificate=certificate, key=key) as connection:
        connection.sendall(bep_peer.hello(name="stranger"))
        bep_peer.read_to_end(connection)
    expect_count(closed_links, "unknown-device", before, stage)
    pending = stage.weft_status()["pending_devices"]
    assert [entry["device"] for entry in pending] == [bep_peer.device_id_text(raw)], pending
    assert pending[0]["name"] == "stranger"


@pytest.mark.parametrize("sent", [
    b"\x00" * 6, struct.pack(">I", 0x9F79BC40) + bytes(60), struct.pack(">IH", bep_peer.HELLO_MAGIC, 0xFFFF) + bytes(65535),
    struct.pack(">IH", bep_peer.HELLO_MAGIC, 4) + b"\xff\xff\xff\xff"],
    ids=["no magic", "old magic", "too long", "not protobuf"])
def test_bad_hello(stage, sent):
    before = closed_links(stage)
    with bep_peer.connect(stage, **own_key(stage)) as connection:
        try:
            connection.sendall(sent)
        except (ssl.SSLError, ConnectionError):
            pass
        bep_peer.read_to_end(connection)
    expect_count(closed_links, "bad-hello", before, stage)


def test_silent_connections_do_not_stop_others(stage):
    """Many sockets that say nothing: those of one address are bounded, and other addresses are served meanwhile."""
    before = closed_links(stage)
    silent = [socket.create_connection(bep_peer.address_of(stage), 15, source_address=("127.0.0.2", 0)) for _ in range(30)]
    expect_count(closed_links, "too-many-from-address", before, stage)
    with bep_peer.connect(stage, **own_key(stage)) as connection:
        connection.sendall(bep_peer.hello())
        assert connection.recv(4) == struct.pack(">I", bep_peer.HELLO_MAGIC)
    for connection in silent:
        connection.close()


# ---- on a link

def say(weft, *frames):
    """Hello, then the frames; returns all that came back until weft closed the link."""
    with bep_peer.connect(weft, **own_key(weft)) as connection:
        connection.sendall(bep_peer.hello())
        try:
            for piece in frames:
                connection.sendall(piece)
        except (ssl.SSLError, ConnectionError):
            pass
        return bep_peer.read_to_end(connection)


BROKEN_STREAMS = {
    "header_too_long": b"\xff\xff" + bytes(65535),
    "header_broken": struct.pack(">H", 2) + b"\xff\xff" + struct.pack(">I", 0),
    "compression_unknown": bep_peer.frame(bep_peer.PING, b"", compression=9),
    "length_negative": bep_peer.frame(bep_peer.CLUSTER_CONFIG, b"", length=0x80000001),
    "length_too_long": bep_peer.frame(bep_peer.CLUSTER_CONFIG, b"", length=0x7FFFFFFF),
    "lz4_too_short": bep_peer.frame(bep_peer.CLUSTER_CONFIG, b"\x00\x01", compression=bep_peer.LZ4),
    "lz4_too_long": bep_peer.frame(bep_peer.CLUSTER_CONFIG, b"\x7f\xff\xff\xff" + bytes(20), compression=bep_peer.LZ4),
    "lz4_broken": bep_peer.frame(bep_peer.CLUSTER_CONFIG, struct.pack(">I", 100) + b"\xff" * 40, compression=bep_peer.LZ4),
    "message_broken": bep_peer.frame(bep_peer.CLUSTER_CONFIG, b"\x0a\xff\xff\xff\xff\x0f"),
    "not_cluster_config_first": bep_peer.frame(bep_peer.PING, b""),
    "device_id_length": bep_peer.cluster_config(FOLDER, b"short", b"shorter"),
}


@pytest.mark.parametrize("reason", BROKEN_STREAMS)
def test_broken_stream_closes_the_link(stage, reason):
    before = refused_messages(stage)
    say(stage, BROKEN_STREAMS[reason])
    expect_count(refused_messages, reason, before, stage)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../secret", "nul\0byte", "", "a//b", b"\xff\xfe"],
                         ids=["parent", "absolute", "inner parent", "nul", "empty", "not clean", "not utf-8"])
@pytest.mark.parametrize("message", ["index", "request"])
def test_bad_names_are_refused(stage, message, name):
    before = refused_messages(stage)
    bad = bep_peer.request(FOLDER, name) if message == "request" else \
        bep_peer.index(FOLDER, bep_peer.file_info(name, 5, blocks=[(0, 5, bytes(32))]))
    answer = say(stage, bep_peer.cluster_config(FOLDER, stage.peer_raw, stage.raw_id), bad)
    assert b"outside the folder" not in answer and b"root:" not in answer
    expect_count(refused_messages, "name_invalid", before, stage)


def test_index_and_request_for_folders_not_shared(stage):
    """Neither kills anything: an index nobody asked for is dropped or the link closed, a request is answered without data."""
    say_before = closed_links(stage)
    with bep_peer.connect(stage, **own_key(stage)) as connection:
        connection.sendall(bep_peer.hello() + bep_peer.cluster_config(FOLDER, stage.peer_raw, stage.raw_id))
        connection.sendall(bep_peer.request("private", "secret"))
        connection.sendall(bep_peer.index("private", bep_peer.file_info("x", 5, blocks=[(0, 5, bytes(32))])))
        connection.sendall(bep_peer.frame(bep_peer.CLOSE, field_reason()))
        answer = bep_peer.read_to_end(connection)
    assert b"outside the folder" not in answer
    weftlab.wait_until(lambda: sum(closed_links(stage).values()) > sum(say_before.values()), 15, "the link is closed")


def field_reason():
    return bep_peer.field(1, "done")


def test_requests_outside_a_file(stage):
    before = refused_messages(stage)
    config = bep_peer.cluster_config(FOLDER, stage.peer_raw, stage.raw_id)
    say(stage, config, bep_peer.request(FOLDER, "group 0/part-0/file 00000.bin", offset=-1))
    say(stage, config, bep_peer.request(FOLDER, "group 0/part-0/file 00000.bin", size=(1 << 31) - 1))
    weftlab.wait_until(lambda: refused_messages(stage)["request_range"] >= before["request_range"] + 2, 15,
                       "both ranges are counted", alive=[stage])


def test_blocks_that_were_never_asked_for(stage):
    data = bep_peer.frame(bep_peer.RESPONSE, bep_peer.field(1, 7) + bep_peer.field(2, b"x" * 1000))
    say(stage, bep_peer.cluster_config(FOLDER, stage.peer_raw, stage.raw_id), data * 50,
        bep_peer.frame(bep_peer.CLOSE, field_reason()))


def test_unknown_message_types_are_skipped(stage):
    """As stock does: a newer peer may have more to say."""
    with bep_peer.connect(stage, **own_key(stage)) as connection:
        connection.sendall(bep_peer.hello() + bep_peer.cluster_config(FOLDER, stage.peer_raw, stage.raw_id))
        connection.sendall(bep_peer.frame(99, b"future") + bep_peer.frame(4711, b"\xff" * 100))
        connection.sendall(bep_peer.request(FOLDER, "group 0/part-0/file 00000.bin", size=1))
        connection.settimeout(15)
        seen = b""
        while struct.pack(">H", 2) + bep_peer.field(1, bep_peer.RESPONSE) not in seen:
            piece = connection.recv(65536)
            assert piece, "closed instead of answering"
            seen += piece


def test_lying_blocks_never_become_files(stage):
    """A peer announces a file and answers with other bytes: nothing takes the file's name."""
    truth = b"t" * 1000
    entry = bep_peer.file_info("wanted", 1000, blocks=[(0, 1000, bep_peer.hashlib.sha256(truth).digest())])
    with bep_peer.connect(stage, **own_key(stage)) as connection:
        connection.sendall(bep_peer.hello() + bep_peer.cluster_config(FOLDER, stage.peer_raw, stage.raw_id) +
                           bep_peer.index(FOLDER, entry))
        connection.settimeout(15)
        seen = b""
        while b"wanted" not in seen:              # its Request
            piece = connection.recv(65536)
            assert piece, "closed before it asked"
            seen += piece
        for number in range(0, 8):
            connection.sendall(bep_peer.frame(bep_peer.RESPONSE, (bep_peer.field(1, number) if number else b"") +
                                              bep_peer.field(2, b"l" * 1000)))
        connection.sendall(bep_peer.frame(bep_peer.CLOSE, field_reason()))
        bep_peer.read_to_end(connection)
    assert not (stage.folder_path(FOLDER) / "wanted").exists()

"""One link, one OFFER, one session: a second OFFER must not begin a session under keys that were used already, because
its packet numbers would start at 0 again and give AES-GCM away. Another link has other keys.

    liar (Python, TLS) ---- loopback TCP ---- weft with one memif port

The liar has the certificate of a configured device and says that it is a weft. Nobody is at the other end of its path.
"""
import bep_peer
import homes
import weftlab

WEFT_FIELD = 1000                 # of Hello (bep/proto/bep.proto)
OFFER = 1001                      # message type (bep/proto/weft.proto)
OFFER_VERSION = 4                 # bep/proto/private_messages.hh


def weft_hello():
    body = bep_peer.field(1, "liar") + bep_peer.field(2, "weft") + bep_peer.field(3, "v0.1.0")
    body += bep_peer.field(WEFT_FIELD, bep_peer.field(1, 1))
    return bep_peer.struct.pack(">IH", bep_peer.HELLO_MAGIC, len(body)) + body


def offer():
    port = (bep_peer.field(1, bytes([10, 1, 0, 2])) + bep_peer.field(2, 24) + bep_peer.field(3, 1500) +
            bep_peer.field(5, 22100) + bep_peer.field(7, "left"))
    return bep_peer.frame(OFFER, bep_peer.field(2, OFFER_VERSION) + bep_peer.field(3, port) + bep_peer.field(4, 1) +
                          bep_peer.field(5, "aes-128-gcm") + bep_peer.field(6, 1 << 20) + bep_peer.field(7, 1300) +
                          bep_peer.field(8, 64))


def test_a_second_offer_on_a_link_begins_no_second_session(lab):
    weft = lab.weft("weft")
    certificate, key, raw = bep_peer.make_certificate(lab.directory / "liar")
    liar = homes.Device(bep_peer.device_id_text(raw), "liar")
    weft.configure([liar], [homes.Folder("lab", weft.folder_path("lab"), [liar.id])])
    weft.set_ports([homes.Port("left", f"net_memif0,role=server,id=0,socket={lab.directory}/left.sock", "10.1.0.1/24",
                               mtu=1500)])
    own = bep_peer.hashlib.sha256(bep_peer.ssl.PEM_cert_to_DER_cert(
        (weft.home / "cert.pem").read_text(encoding="ascii"))).digest()
    weft.start()

    def begun():
        return weft.log_text().count("session begun")

    for link in (1, 2):
        with bep_peer.connect(weft, certificate=certificate, key=key) as connection:
            connection.sendall(weft_hello() + bep_peer.cluster_config("lab", raw, own) + offer() + offer() + offer())
            weftlab.wait_until(lambda: begun() >= link, 10, f"session {link} begins", 0.05, [weft])
            # A PING after the offers: when its link is still served and counted, they have been handled.
            before = weft.rest.get("/rest/system/connections")["connections"][liar.id]["inBytesTotal"]
            connection.sendall(bep_peer.frame(bep_peer.PING, b"") * 100)
            weftlab.wait_until(lambda: weft.rest.get("/rest/system/connections")["connections"][liar.id]["inBytesTotal"]
                               >= before + 400, 10, "the link is read further", 0.05, [weft])
            assert begun() == link
        weftlab.wait_until(lambda: not weft.is_connected(liar.id), 10, "the link is down", 0.05, [weft])
    assert weft.log_text().count("session ended") >= 1      # the second link's offer knows nothing of the first session

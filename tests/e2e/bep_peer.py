"""A BEP peer in a few lines of Python, to say to a daemon what no honest peer says. Not a test itself.

Bytes only: TLS by the ssl module, messages written field by field. Sources: the BEP documents (Hello magic 0x2EA7D90B, header =
length, protobuf Header{type, compression}, length, message).
"""
import contextlib
import hashlib
import pathlib
import socket
import ssl
import struct
import subprocess

HELLO_MAGIC = 0x2EA7D90B
CLUSTER_CONFIG, INDEX, INDEX_UPDATE, REQUEST, RESPONSE, DOWNLOAD_PROGRESS, PING, CLOSE = range(8)
LZ4 = 1


def make_certificate(directory, name="syncthing"):
    """(cert.pem, key.pem, device ID's 32 bytes)."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    certificate, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-days",
                    "30", "-subj", f"/O=Syncthing/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", key,
                    "-out", certificate], check=True, capture_output=True)
    der = ssl.PEM_cert_to_DER_cert(certificate.read_text(encoding="ascii"))
    return certificate, key, hashlib.sha256(der).digest()


def device_id_text(raw):
    """The form of config.xml: base32 with a check character after each 13."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    number = int.from_bytes(raw, "big") << 4
    letters = "".join(alphabet[number >> shift & 31] for shift in range(255, -1, -5))
    out = ""
    for start in range(0, 52, 13):
        group, total = letters[start:start + 13], 0
        for place, letter in enumerate(group):
            addend = alphabet.index(letter) * (1 + place % 2)
            total += addend // 32 + addend % 32
        out += group + alphabet[-total % 32]
    return "-".join(out[start:start + 7] for start in range(0, 56, 7))


# Protobuf, just enough.
def varint(value):
    out = b""
    value &= (1 << 64) - 1
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def hello(name="peer", client="syncthing", version="v1.19.2"):
    body = field(1, name) + field(2, client) + field(3, version)
    return struct.pack(">IH", HELLO_MAGIC, len(body)) + body


def frame(kind, body, compression=0, length=None):
    header = (field(1, kind) if kind else b"") + (field(2, compression) if compression else b"")
    return struct.pack(">H", len(header)) + header + struct.pack(">I", len(body) if length is None else length) + body


def cluster_config(folder, own, other):
    devices = b"".join(field(16, field(1, device) + field(2, "x")) for device in (own, other))
    return frame(CLUSTER_CONFIG, field(1, field(1, folder) + devices))


def file_info(name, size=0, kind=0, sequence=1, blocks=()):
    body = field(1, name) + (field(2, kind) if kind else b"") + field(3, size) + field(4, 0o644) + field(5, 1_500_000_000)
    body += field(9, field(1, field(1, 77) + field(2, 1))) + field(10, sequence) + field(13, 131072)
    for offset, length, digest in blocks:
        body += field(16, (field(1, offset) if offset else b"") + field(2, length) + field(3, digest))
    return body


def index(folder, *files):
    return frame(INDEX, field(1, folder) + b"".join(field(2, entry) for entry in files))


def request(folder, name, offset=0, size=131072, number=1):
    return frame(REQUEST, field(1, number) + field(2, folder) + field(3, name) + field(4, offset) + field(5, size) +
                 field(6, bytes(32)))


def tls_context(certificate=None, key=None, alpn=("bep/1.0",), newest=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if newest:
        context.maximum_version = newest
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


def address_of(daemon):
    host, port = daemon.listen.removeprefix("tcp://").split(":")
    return host, int(port)


@contextlib.contextmanager
def connect(daemon, timeout_s=15, **tls):
    """A TLS connection to a daemon's listener."""
    with socket.create_connection(address_of(daemon), timeout_s) as plain:
        with tls_context(**tls).wrap_socket(plain) as connection:
            connection.settimeout(timeout_s)
            yield connection


def read_to_end(connection, limit=1 << 20):
    """Everything until the other side closes. A socket.timeout means that it did not."""
    out = b""
    while len(out) < limit:
        try:
            piece = connection.recv(65536)
        except (ssl.SSLError, ConnectionError):
            return out
        if not piece:
            return out
        out += piece
    return out

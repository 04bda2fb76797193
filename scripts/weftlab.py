"""A small laboratory: homes, daemons (weft and stock Syncthing), their REST, and waiting for things to become true.
Shared by the demo, the comparison with stock and tests/e2e.

Everything lives in one temporary directory and on loopback (or in network namespaces that the caller made). Close the Lab,
or use it in a `with`, and nothing is left: no process, no file. Waiting is always for a condition and has a deadline;
a daemon that dies meanwhile ends the wait at once with the end of its log.
"""
import ctypes
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse

import compare_trees
import homes

ROOT = pathlib.Path(__file__).resolve().parent.parent
API_KEY = "laboratory"
START_LIMIT_S = 30
STOP_LIMIT_S = 20
PATIENCE = float(os.environ.get("WEFT_PATIENCE", "1"))   # of all deadlines: instrumented daemons are slower


class LabError(Exception):
    """A daemon that does not do what it should; the text says which, what, and what it logged last."""


def weft_binary():
    return pathlib.Path(os.environ.get("WEFT_BINARY", ROOT / "build" / "weft"))


def wait_until(condition, deadline_s, what, poll_s=0.1, alive=()):
    """Calls `condition` until it returns something true, and returns that. `alive`: daemons that must not die."""
    end = time.monotonic() + deadline_s * PATIENCE
    while True:
        last = condition()
        if last:
            return last
        for daemon in alive:
            daemon.check_alive()
        if time.monotonic() > end:
            logs = "\n".join(daemon.log_tail() for daemon in alive)
            raise LabError(f"not within {deadline_s * PATIENCE:g} s: {what}\n{logs}")
        time.sleep(poll_s)


_taken = set()


def free_port(kind=socket.SOCK_STREAM):
    """A loopback port nobody uses now, and never the same one twice."""
    while True:
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _taken:
            _taken.add(port)
            return port


def _die_with_parent():
    """In the child: a daemon does not outlive a driver that is killed."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class _NamespaceConnection(http.client.HTTPConnection):
    """HTTP to an address inside a network namespace. A socket belongs to the namespace of the thread that made it, so a
    short-lived thread makes it and the driver itself stays where it is."""

    def __init__(self, netns, *arguments, **options):
        super().__init__(*arguments, **options)
        self._netns = netns

    def connect(self):
        result = {}

        def enter_and_connect():
            clone_newnet = 0x40000000
            try:
                with open(f"/run/netns/{self._netns}", "rb") as namespace:
                    if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), clone_newnet) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                result["socket"] = socket.create_connection((self.host, self.port), self.timeout)
            except OSError as error:
                result["error"] = error

        thread = threading.Thread(target=enter_and_connect)
        thread.start()
        thread.join()
        if "error" in result:
            raise result["error"]
        self.sock = result["socket"]


class RestError(LabError):
    def __init__(self, status, text):
        super().__init__(f"{status}: {text.strip()}")
        self.status = status


class Rest:
    """Syncthing's and weft's REST API. Each call is one connection; answers are decoded JSON, or text where they are text."""

    def __init__(self, port, netns=None, api_key=API_KEY):
        self.port, self._netns, self._api_key = port, netns, api_key

    def call(self, method, path, body=None, timeout_s=20, **query):
        connect = http.client.HTTPConnection
        if self._netns:
            connect = lambda *args, **options: _NamespaceConnection(self._netns, *args, **options)
        connection = connect("127.0.0.1", self.port, timeout=timeout_s * PATIENCE)
        try:
            target = path + ("?" + urllib.parse.urlencode(query) if query else "")
            headers = {"X-API-Key": self._api_key}
            if body is not None:
                body, headers["Content-Type"] = json.dumps(body), "application/json"
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
        if answer.status >= 300:
            raise RestError(answer.status, text)
        return json.loads(text) if text[:1] in "{[" and text else text

    def get(self, path, **query):
        return self.call("GET", path, **query)

    def post(self, path, body=None, **query):
        return self.call("POST", path, body, **query)


class Daemon:
    """One process on one home. Subclasses say how the home comes to be and which command serves it."""
    kind = ""

    def __init__(self, lab, name, netns=None, listen_host="127.0.0.1"):
        self.name, self.netns = name, netns
        self.directory = lab.directory / name
        self.home = self.directory / "home"
        self.log_path = self.directory / "log.txt"
        self.home.mkdir(parents=True)
        self.listen_port = free_port()
        self.listen = f"tcp://{listen_host}:{self.listen_port}"
        self.gui_port = free_port()
        self.rest = Rest(self.gui_port, netns)
        self.options = {}                  # further <options> of config.xml, for configure()
        self.process = None
        self.id = self._make_identity()

    # What the subclasses know.
    def _make_identity(self):
        raise NotImplementedError

    def _command(self):
        raise NotImplementedError

    def folder_path(self, folder):
        return self.directory / folder

    def configure(self, peers, folders):
        """peers: list of homes.Device. folders: list of homes.Folder, whose paths are made."""
        for folder in folders:
            folder.path.mkdir(parents=True, exist_ok=True)
            (folder.path / ".stfolder").mkdir(exist_ok=True)
        homes.write_config(self.home, homes.Device(self.id, self.name, self.listen), f"127.0.0.1:{self.gui_port}",
                           API_KEY, peers, folders, self.options)

    def run(self, *command, check=True):
        """A command that ends by itself, with its output."""
        result = subprocess.run([str(part) for part in self._enter() + list(command)], capture_output=True, text=True,
                                timeout=60 * PATIENCE, env=self._environment(), check=False)
        if check and result.returncode != 0:
            raise LabError(f"{command[0]} ended with {result.returncode}: {result.stdout}{result.stderr}")
        return result

    def _enter(self):
        return ["ip", "netns", "exec", self.netns] if self.netns else []

    def _environment(self):
        return dict(os.environ, HOME=str(self.directory), XDG_STATE_HOME=str(self.directory), STNOUPGRADE="1")

    def start(self, wait=True):
        if self.process is not None:
            raise LabError(f"{self.name} runs already")
        command = [str(part) for part in self._enter() + self._command()]
        with open(self.log_path, "ab") as log:
            # Its own session: Ctrl-C reaches the driver only, which then ends the daemons in order.
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self._environment(), start_new_session=True,
                                            preexec_fn=_die_with_parent)
        if wait:
            wait_until(self.answers, START_LIMIT_S, f"{self.name} answers by REST", alive=[self])
        return self

    def answers(self):
        try:
            return self.rest.call("GET", "/rest/system/ping", timeout_s=2)
        except (OSError, http.client.HTTPException, RestError):
            return None

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def check_alive(self):
        if not self.is_alive():
            code = self.process.poll() if self.process else "never started"
            raise LabError(f"{self.name} is not running (exit code {code})\n{self.log_tail()}")

    def log_tail(self, lines=25):
        return f"--- end of {self.name}'s log\n" + "\n".join(self.log_text().splitlines()[-lines:])

    def log_text(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def stop(self):
        """Orderly: by REST, as `weft` and stock both offer; harsher when that is not heard. Returns the exit code."""
        if self.process is None:
            return None
        if self.is_alive():
            try:
                self.rest.call("POST", "/rest/system/shutdown", timeout_s=5)
            except (OSError, http.client.HTTPException, RestError):
                self.process.terminate()
        for harsher in (self.process.terminate, self.process.kill, None):
            try:
                self.process.wait(STOP_LIMIT_S * PATIENCE)
                break
            except subprocess.TimeoutExpired:
                if harsher:
                    harsher()
        code, self.process = self.process.returncode, None
        return code

    def restart(self):
        self.stop()
        return self.start()

    def kill(self):
        """As a power cut for this process, and for the one that a stock watches over."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(STOP_LIMIT_S)
            self.process = None

    # What both kinds tell by REST.
    def folder_status(self, folder):
        return self.rest.get("/rest/db/status", folder=folder)

    def completion_of(self, folder, device):
        return self.rest.get("/rest/db/completion", folder=folder, device=device)

    def scan(self, folder):
        self.rest.call("POST", "/rest/db/scan", timeout_s=300, folder=folder)

    def is_connected(self, device):
        return self.rest.get("/rest/system/connections")["connections"].get(device, {}).get("connected", False)


class Weft(Daemon):
    kind = "weft"

    def _make_identity(self):
        if not weft_binary().exists():
            raise LabError(f"{weft_binary()} is not built: run scripts/build.sh")
        self.run(weft_binary(), "init", "--home", self.home, "--name", self.name)
        return self.run(weft_binary(), "id", "--home", self.home).stdout.strip()

    def _command(self):
        return [weft_binary(), "serve", "--home", self.home, "--log-level", os.environ.get("WEFT_LOG_LEVEL", "info")]

    def set_ports(self, ports, **tables):
        homes.write_weft_toml(self.home, ports, **tables)

    def cli(self, *words, check=True):
        """`weft WORDS` on its home."""
        return self.run(weft_binary(), *words, "--home", self.home, check=check)

    def policy(self, *words, check=True):
        return self.cli("policy", *words, check=check)

    def paths(self):
        return self.rest.get("/rest/weft/paths")["paths"]

    def states(self):
        """Of each path by our port's name; for paths of which no port has two."""
        return {path["port"]: path["state"] for path in self.paths()}

    def payload(self):
        """Payload bytes that came over each path, by our port's name."""
        return {path["port"]: path["chunk_bytes_in"] for path in self.paths()}

    def migration(self):
        """Of the only session there is."""
        return self.rest.get("/rest/weft/migration")["sessions"][0]

    def weft_status(self):
        return self.rest.get("/rest/weft/status")

    def totals(self):
        return self.weft_status()["totals"]

    def impair(self, port, **impairment):
        """No argument: heals the port."""
        self.rest.post(f"/rest/weft/ports/{urllib.parse.quote(port)}/impair", impairment)


class Stock(Daemon):
    kind = "stock"
    binary = shutil.which("syncthing")

    def _make_identity(self):
        self.run(self.binary, "generate", "--home", self.home, "--no-default-folder", "--skip-port-probing")
        return self.run(self.binary, "serve", "--home", self.home, "--device-id").stdout.strip()

    def _command(self):
        # Without --no-restart a monitor process stands between us and the daemon.
        return [self.binary, "serve", "--home", self.home, "--no-browser", "--no-restart", "--no-upgrade"]


class Lab:
    """One temporary directory and the daemons in it."""

    def __init__(self, keep=False, parent=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="weft-lab-", dir=parent))
        self.keep = keep
        self.daemons = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def weft(self, name, **options):
        return self._add(Weft(self, name, **options))

    def stock(self, name, **options):
        return self._add(Stock(self, name, **options))

    def _add(self, daemon):
        self.daemons.append(daemon)
        return daemon

    def close(self):
        for daemon in reversed(self.daemons):
            daemon.stop()
        if not self.keep:
            shutil.rmtree(self.directory, ignore_errors=True)


def join(one, other, folder="lab", one_type="sendreceive", other_type="sendreceive", watch=False, one_path=None, **device):
    """Two devices that share one folder; `other` dials `one`. device: more of homes.Device, of `one` at `other`. Returns the two
    folder paths."""
    paths = []
    for me, peer, kind, address, path in ((one, other, one_type, "dynamic", one_path),
                                          (other, one, other_type, one.listen, None)):
        shared = homes.Folder(folder, path or me.folder_path(folder), [peer.id], kind, watch=watch)
        me.configure([homes.Device(peer.id, peer.name, address, **(device if me is other else {}))], [shared])
        paths.append(shared.path)
    return paths


def add_memif_paths(server, client, names=("left", "right"), mtu=1500, congestion="cubic", **tables):
    """A path per name over shared memory. `server` and `client` is memif's choice of words; the data flows both ways."""
    for me, role, host in ((server, "server", 1), (client, "client", 2)):
        ports = [homes.Port(name, f"net_memif{number},role={role},id=0,socket={server.directory.parent / name}.sock",
                            f"10.{number + 1}.0.{host}/24", mtu=mtu, congestion=congestion)
                 for number, name in enumerate(names)]
        me.set_ports(ports, **tables)


def wait_active(daemon, paths, alive):
    """Until it has so many paths, all of them active."""
    wait_until(lambda: [path["state"] for path in daemon.paths()] == ["active"] * paths, 30,
               f"{paths} paths of {daemon.name} are active", alive=alive)


def wait_states(daemon, states, alive, deadline_s=30):
    """Until its paths are these, by our port's name."""
    wait_until(lambda: daemon.states() == states, deadline_s, f"the paths of {daemon.name} are {states}", 0.05, alive)


def in_sync(daemon, folder):
    """The folder's status when nothing is left to fetch, else None."""
    status = daemon.folder_status(folder)
    return status if status["state"] == "idle" and status["needTotalItems"] == 0 else None


def wait_same(one, other, folder="lab", deadline_s=120, alive=None):
    """Until both trees look alike and both daemons say that nothing is needed; then compares every byte."""
    paths = one.folder_path(folder), other.folder_path(folder)
    watched = [one, other] if alive is None else alive
    wait_until(lambda: compare_trees.look_alike(*paths), deadline_s, f"{one.name} and {other.name} have the same files",
               0.3, watched)
    for daemon in watched:
        wait_until(lambda: in_sync(daemon, folder), 30, f"{daemon.name} says it needs nothing", 0.2, watched)
    unlike = list(compare_trees.differences(*paths))
    if unlike:
        raise LabError(f"{len(unlike)} differences: " + "; ".join(unlike[:5]))

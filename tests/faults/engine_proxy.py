"""Between a client and an engine: answers late, wrongly or not at all, as a test says for each request."""

import contextlib
import re
import select
import socket
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

HEAD = re.compile(rb"^(GET|POST|DELETE|HEAD|PUT) (\S+) HTTP/1\.1\r\n")
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
REFUSAL = b'{"message": "the engine is in trouble"}'


@dataclass
class Fault:
    """What happens to requests that match `pattern` ("METHOD path"), the first `times` of them."""

    pattern: str
    kind: str  # "500", "cut" (before the engine hears of it), "cut after" (the engine does it), "hang", "garbage"
    times: int = 1_000_000
    seen: int = 0
    released: threading.Event = field(default_factory=threading.Event)  # ends a "hang"


class Proxy:
    """Listens on a socket of its own; `faults` may be changed at any time."""

    def __init__(self, engine_socket):
        self._engine = str(engine_socket)
        self._folder = tempfile.TemporaryDirectory(prefix="moa-proxy-")
        self.socket = Path(self._folder.name) / "docker.sock"
        self.host = f"unix://{self.socket}"
        self.faults = []
        self.requests = []
        self._streams = []
        self._lock = threading.Lock()
        self._closed = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.socket))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def fault(self, pattern, kind, times=1_000_000):
        self.faults.append(Fault(pattern, kind, times))
        return self.faults[-1]

    def cut_streams(self):
        """Every attach stream that is open ends, as when the connection to the engine breaks."""
        with self._lock:
            doomed, self._streams = self._streams, []
        for pair in doomed:
            for end in pair:
                _shut(end)
        return len(doomed)

    def close(self):
        self._closed = True
        for fault in self.faults:
            fault.released.set()
        _shut(self._listener)
        self.cut_streams()
        self._folder.cleanup()

    def _accept(self):
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self._engine)
        except OSError:
            _shut(client)
            return
        hiding = threading.Event()
        threading.Thread(target=_pump, args=(server, client, hiding), daemon=True).start()
        with contextlib.suppress(OSError):
            while request := _request(client):
                if not self._pass_on(request, client, server, hiding):
                    break
        for end in (client, server):
            _shut(end)

    def _pass_on(self, request, client, server, hiding):
        """Forward one request, or do what a fault says. False: the connection is over."""
        method, path = HEAD.match(request).groups()
        words = f"{method.decode()} {path.decode()}"
        self.requests.append(words)
        fault = self._fault_of(words)
        kind = fault.kind if fault else ""
        if kind == "500":
            client.sendall(_answer("500 Internal Server Error", REFUSAL))
            return True
        if kind == "garbage":
            client.sendall(_answer("200 OK", b'{"a": nul'))
            return True
        if kind == "cut":
            return False
        if kind == "hang":
            fault.released.wait(60)
            server.sendall(request)  # the engine does it in the end
            return True
        if kind == "cut after":
            hiding.set()
            server.sendall(request)
            server.recv(1, socket.MSG_PEEK)  # it has answered, so it is done
            return False
        if b"/attach?" in path:
            with self._lock:
                self._streams.append((client, server))
            server.sendall(request)
            _pump(client, server, threading.Event())
            return False
        server.sendall(request)
        return True

    def _fault_of(self, words):
        with self._lock:
            for fault in self.faults:
                if re.search(fault.pattern, words) and fault.seen < fault.times:
                    fault.seen += 1
                    return fault
        return None


def _request(client):
    """One request, head and body; empty at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = client.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    found = LENGTH.search(head + b"\r\n")
    missing = (int(found[1]) if found else 0) - len(body)
    while missing > 0:
        chunk = client.recv(missing)
        if not chunk:
            return b""
        data += chunk
        missing -= len(chunk)
    return data


def _answer(status, body):
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _pump(source, target, hiding):
    """What comes from `source` goes to `target` until one of them ends; while `hiding` nothing is taken."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: closed under us
        while True:
            select.select([source], [], [])
            if hiding.is_set():
                return
            chunk = source.recv(65536)
            if not chunk:
                break
            target.sendall(chunk)
    if not hiding.is_set():
        _shut(source)
        _shut(target)


def _shut(end):
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()

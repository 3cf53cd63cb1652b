"""An OpenAI-compatible chat server on 127.0.0.1, scripted per model name: what a provider does, good and bad.

Run in a thread over real sockets. `behaviours` maps a model's name, or the path of another provider's dialect, to one
action or a list of actions taken in turn (the last one repeats). `requests` holds every body received, in order.
"""

import json
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


@dataclass(frozen=True)
class Say:
    """A well-formed answer. `pieces` is how many SSE chunks it is cut into when a stream is asked for."""

    text: str | None
    finish: str = "stop"
    pieces: int = 3
    usage: dict | None = field(default_factory=lambda: dict(USAGE))
    refusal: str | None = None
    delay_s: float = 0.0


@dataclass(frozen=True)
class Status:
    code: int
    message: str = "no"
    headers: dict = field(default_factory=dict)
    error_code: str | None = None


@dataclass(frozen=True)
class Hang:
    """Says nothing until the server closes; with `after_headers`, a stream that starts with `text` and then stalls."""

    after_headers: bool = False
    text: str = "a"


@dataclass(frozen=True)
class Cut:
    """Closes the connection in the middle of the answer."""

    text: str = "half of an answer"


@dataclass(frozen=True)
class Drip:
    """A stream that never ends and never stalls: one small piece every `every_s`."""

    every_s: float = 0.02


@dataclass(frozen=True)
class Raw:
    """These bytes as the body of a 200."""

    body: bytes
    content_type: str = "application/json"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        action = self.server.owner._next(self.path, dict(self.headers), body)
        try:
            self._act(action, body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
            self.server.owner.hung_up.set()

    def _act(self, action, body):
        match action:
            case Say():
                time.sleep(action.delay_s)
                if body.get("stream"):
                    self._stream(action, body)
                else:
                    self._json(200, _completion(action, body))
            case Status():
                error = {"message": action.message, "type": "error", "param": None, "code": action.error_code}
                self._json(action.code, {"error": error}, action.headers)
            case Hang():
                if action.after_headers:
                    self._start_stream()
                    self._event(_chunk(body, {"role": "assistant", "content": action.text}))
                self.server.owner.closing.wait(20)
                self.close_connection = True
            case Drip():
                self._start_stream()
                while not self.server.owner.closing.wait(action.every_s):
                    self._event(_chunk(body, {"content": "x"}))
            case Cut():
                self.close_connection = True
                if body.get("stream"):
                    self._start_stream()
                    self._event(_chunk(body, {"role": "assistant", "content": action.text}))
                else:
                    whole = json.dumps(_completion(Say(action.text), body)).encode()
                    self._head(200, {"content-length": str(len(whole)), "content-type": "application/json"})
                    self.wfile.write(whole[: len(whole) // 2])
                self.wfile.flush()
            case Raw():
                self._head(200, {"content-length": str(len(action.body)), "content-type": action.content_type})
                self.wfile.write(action.body)

    def _head(self, code, headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _json(self, code, value, headers=()):
        data = json.dumps(value).encode()
        self._head(code, {"content-type": "application/json", "content-length": str(len(data)), **dict(headers)})
        self.wfile.write(data)

    def _start_stream(self):
        self._head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})

    def _event(self, value):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        line = b"data: " + data + b"\n\n"
        self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        self.wfile.flush()

    def _stream(self, action, body):
        self._start_stream()
        text = action.text or ""
        step = max(1, -(-len(text) // action.pieces))
        self._event(_chunk(body, {"role": "assistant", "content": "", "refusal": action.refusal}))
        for start in range(0, len(text), step):
            self._event(_chunk(body, {"content": text[start : start + step]}))
        self._event(_chunk(body, {}, action.finish))
        if action.usage and (body.get("stream_options") or {}).get("include_usage"):
            self._event({**_chunk(body, {}), "choices": [], "usage": action.usage})
        self._event(b"[DONE]")
        self.wfile.write(b"0\r\n\r\n")


def _completion(action, body):
    message = {"role": "assistant", "content": action.text, "refusal": action.refusal}
    reply = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": action.finish}],
    }
    return reply | ({"usage": action.usage} if action.usage else {})


def _chunk(body, delta, finish=None):
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": body["model"],
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that hangs up is part of the script; anything else is a fault of this file."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class OpenAIServer:
    def __init__(self, behaviours):
        self.behaviours = {name: a if isinstance(a, list) else [a] for name, a in behaviours.items()}
        self.requests = []
        self.headers = []
        self.closing = threading.Event()
        self.hung_up = threading.Event()  # a client went away while we were talking
        self._taken = {}
        self._lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        self.base_url = f"http://127.0.0.1:{self._http.server_port}/v1"

    def _next(self, path, headers, body):
        with self._lock:
            self.requests.append(body)
            self.headers.append(headers)
            name = path if path in self.behaviours else body.get("model")
            if name not in self.behaviours or (name != path and path != "/v1/chat/completions"):
                return Status(404, f"no model {name} at {path}", error_code="model_not_found")
            turn = self._taken.get(name, 0)
            self._taken[name] = turn + 1
            actions = self.behaviours[name]
            return actions[min(turn, len(actions) - 1)]


@contextmanager
def serving(behaviours):
    """Yields a running `OpenAIServer`; closes its socket and releases hanging handlers afterwards."""
    server = OpenAIServer(behaviours)
    thread = threading.Thread(target=server._http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server._http.shutdown()
        server._http.server_close()
        thread.join(5)

"""A Docker engine of the tests' own, which may be stopped, killed and starved without hurting anybody."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

START_S = 30
STOP_S = 30


def why_not():
    """Why there can be no such engine here; empty when there can."""
    if os.geteuid() != 0:
        return "a second Docker engine needs root"
    return "" if shutil.which("dockerd") else "dockerd is not installed"


IN_USE = "PRIVATE_ENGINE_IN_USE"


class PrivateEngine:
    """`dockerd` with folders of its own, no bridge and no packet filter: boxes have no network."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="moa-faults-"))  # the socket's path must stay short
        self.socket = self.folder / "docker.sock"
        self.host = f"unix://{self.socket}"
        self._process = None
        os.environ[IN_USE] = str(self.folder)  # its mounts are no leak while it is there

    def start(self, *flags):
        """Returns when it answers."""
        command = [
            "dockerd",
            *("--data-root", self.folder / "data", "--exec-root", self.folder / "exec"),
            *("--pidfile", self.folder / "pid", "--host", self.host),
            *("--bridge=none", "--iptables=false", "--ip6tables=false", "--config-file", self._config()),
            "--shutdown-timeout=3",
            *flags,
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, start_new_session=True)
        until(self._answers, START_S, lambda: (self.folder / "log").read_text()[-2000:])

    def stop(self):
        self._end(signal.SIGTERM)

    def kill(self):
        """As a crash: its containers go on."""
        self._end(signal.SIGKILL)

    def restart(self, *flags, crash=False):
        self._end(signal.SIGKILL if crash else signal.SIGTERM)
        self.start(*flags)

    def client(self, timeout=20):
        import docker

        return docker.DockerClient(base_url=self.host, timeout=timeout)

    def boxes(self, owner=None):
        """The names of all boxes it holds and whether they run; of one owner (a pid), or whoever made them."""
        from moa_code.sandbox.docker import LABEL, OWNER_LABEL
        from moa_code.sandbox.owner import Owner

        client = self.client()
        try:
            found = client.api.containers(all=True, filters={"label": LABEL})
        finally:
            client.close()
        return {
            one["Names"][0].lstrip("/"): one["State"]
            for one in found
            if owner in (None, Owner.parse(one["Labels"][OWNER_LABEL]).pid)
        }

    def remove_boxes(self):
        client = self.client()
        for name in self.boxes():
            client.api.remove_container(name, force=True, v=True)
        client.close()

    def volumes(self):
        client = self.client()
        try:
            return [volume.id for volume in client.volumes.list()]
        finally:
            client.close()

    def remove(self):
        """Stop it and take all of it away: containers, mounts, files."""
        if self._process is None:
            self.start()  # what outlived a crash is ended by the next engine only
        self.remove_boxes()
        self.stop()
        for mount in sorted(self.mounts(), reverse=True):
            subprocess.run(["umount", "-l", mount], check=False)
        shutil.rmtree(self.folder)
        os.environ.pop(IN_USE, None)

    def mounts(self):
        listed = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        return [mount for mount in listed if mount.startswith(f"{self.folder}/")]

    @property
    def alive(self):
        return self._process is not None and self._process.poll() is None

    def _config(self):
        config = self.folder / "daemon.json"
        config.write_text("{}")
        return config

    def _answers(self):
        if not self.alive:
            raise AssertionError((self.folder / "log").read_text()[-2000:])
        with contextlib.suppress(Exception):
            client = self.client(timeout=5)
            try:
                return client.ping()
            finally:
                client.close()
        return False

    def _end(self, number):
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        if number == signal.SIGKILL:
            # Its containerd dies with it, a moment later; the next engine must not meet it.
            pidfile = self.folder / "exec" / "containerd" / "containerd.pid"
            with contextlib.suppress(OSError, ValueError):
                containerd = int(pidfile.read_text())
                until(lambda: not Path(f"/proc/{containerd}").exists(), STOP_S)


def until(condition, seconds=10, words=lambda: ""):
    """Wait for `condition`; fails when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {words()}"
        time.sleep(0.02)
    return answer


def processes_that_say(word):
    """Processes of this machine, inside boxes too, whose command line holds `word`."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if word.encode() in (entry / "cmdline").read_bytes():
                    found.add(int(entry.name))
    return found

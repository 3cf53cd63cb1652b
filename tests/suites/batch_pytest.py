"""Runs pytest in many folders, each in a fork of one warm process. A script; see `run_batch` in its users.

Reads JSON from stdin: [{"folder", "targets", "cpu_s"}]. Writes JSON to stdout, for each: {"status": exit status of
pytest or null when the process was killed, "outcomes": {id: "passed" | "failed"}}. The folder is the working directory
and stands first on sys.path, as in the box.
"""

import json
import os
import resource
import sys

import hypothesis
import hypothesis.strategies  # warmed once for all forks
import pytest


class Collector:
    def __init__(self):
        self.outcomes = {}

    def pytest_collectreport(self, report):
        if report.failed:
            self.outcomes[report.nodeid] = "failed"

    def pytest_runtest_logreport(self, report):
        if not report.passed:
            self.outcomes[report.nodeid] = "failed"
        elif report.when == "call":
            self.outcomes.setdefault(report.nodeid, "passed")


def child(job, channel):
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    resource.setrlimit(resource.RLIMIT_CPU, (job["cpu_s"], job["cpu_s"]))
    os.chdir(job["folder"])
    sys.path.insert(0, job["folder"])
    sys.dont_write_bytecode = True
    hypothesis.configuration.set_hypothesis_home_dir(job["folder"] + "/.hypothesis")
    collector = Collector()
    arguments = ["-q", "-p", "no:cacheprovider", "--rootdir", job["folder"], "-c", os.devnull, *job["targets"]]
    status = int(pytest.main(arguments, plugins=[collector]))
    os.write(channel, json.dumps({"status": status, "outcomes": collector.outcomes}).encode())


def run(job):
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            child(job, writing)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as channel:
        text = channel.read()
    os.waitpid(pid, 0)
    return json.loads(text) if text else {"status": None, "outcomes": {}}


if __name__ == "__main__":
    json.dump([run(job) for job in json.load(sys.stdin)], sys.stdout)

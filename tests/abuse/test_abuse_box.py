"""Jobs that attack what runs them: nothing of it may outlast its limit by much, or be felt by the next job."""

import pytest

from moa_code.core.box import Ended

LATE_S = 2.0

STOP_ALL = """
import ctypes, os
kill = ctypes.PyDLL(None).kill
for _ in range(2):
    if os.fork() == 0:
        os.setsid()
        while True:
            kill(-1, 19)
__import__("time").sleep(30)
"""


def test_a_job_cannot_stop_its_own_killer(box):
    """SIGSTOP to all of its own user, for ever: whoever takes on that user to kill it would be stopped too."""
    before = box.run("pass").box_id
    for _ in range(3):
        seen = box.run(STOP_ALL, cpu_s=0.5, wall_s=1.0)
        assert seen.ended in {Ended.CPU_LIMIT, Ended.WALL_LIMIT}, seen
        assert seen.wall_s < 1.0 + LATE_S
    assert box.run("pass").box_id == before


def test_no_child_can_be_given_to_the_parent(box):
    """CLONE_PARENT: the dead would lie about in the box and count against the processes of the next job."""
    give = """
        import ctypes, os, platform
        number = {"x86_64": 56, "aarch64": 220}[platform.machine()]
        libc = ctypes.CDLL(None)
        for _ in range(18):
            if libc.syscall(number, 0x8000 | 17, 0, 0, 0, 0) == 0:
                os._exit(0)
    """
    look = """
        import os
        print(sum(") Z " in open(f"/proc/{pid}/stat").read() for pid in os.listdir("/proc") if pid.isdigit()))
    """
    before = box.run("pass").box_id
    box.run(give)
    assert box.says(look) == "0\n"
    assert box.run("pass").box_id == before


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
def test_empty_files_in_shared_folders_are_counted(box, folder):
    """They take no bytes, and each costs time to remove."""
    fill = f"""
        import os
        n = 0
        while True:
            os.close(os.open(f"{folder}/{{n}}", os.O_CREAT | os.O_WRONLY)); n += 1
    """
    seen = box.run(fill)
    assert seen.ended is Ended.DISK, seen
    box.still_works()


def test_memory_that_no_process_has_mapped_is_refused_or_counted(box):
    hold = """
        import os, time
        for _ in range(40):
            file = os.memfd_create("x")
            for _ in range(8):
                os.write(file, bytes(1 << 20))
            os.dup(file)
        time.sleep(0.3)
        print("held 320 MiB")
    """
    seen = box.run(hold)
    assert b"held" not in seen.stdout
    assert seen.ended is Ended.MEMORY or b"PermissionError" in seen.stderr, seen
    box.still_works()


def test_many_small_processes_that_ask_to_be_spared_are_over_their_memory_not_lost(box):
    """Each is smaller than the supervisor, which the kernel would otherwise take in their place."""
    crowd = """
        import os, time
        def spare():
            open("/proc/self/oom_score_adj", "w").write("0")
        spare()
        for _ in range(19):
            if os.fork() == 0:
                spare()
                hog = []
                for _ in range(16):
                    hog.append(b"x" * (1 << 20)); time.sleep(0.004)
                time.sleep(20)
        time.sleep(20)
    """
    seen = box.run(crowd, wall_s=4.0)
    assert seen.ended is Ended.MEMORY, seen
    box.still_works()


def test_children_that_nobody_waits_for_use_up_the_cpu_time_too(box):
    relay = """
        import os, signal, time
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            pid = os.fork()
            if pid == 0:
                while time.process_time() < 0.2:
                    pass
                os._exit(0)
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                pass
    """
    assert box.run(relay, cpu_s=0.6, wall_s=4.0).ended is Ended.CPU_LIMIT


STOPPED = {
    "stopped children": "import os, signal\nif os.fork() == 0: os.kill(os.getpid(), signal.SIGSTOP)",
    "descriptors in flight": """
        import array, os, socket
        for _ in range(20):
            a, b = socket.socketpair()
            a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [1, 2, a.fileno()]))])
            del a, b
    """,
    "a lock on a sealed file": """
        import fcntl, os
        if os.fork() == 0:
            os.setsid()
            fcntl.flock(open("tests/test_code.py"), fcntl.LOCK_EX); __import__("time").sleep(60)
    """,
    "an abstract socket": """
        import os, socket
        server = socket.socket(socket.AF_UNIX); server.bind("\\0left"); server.listen()
        if os.fork() == 0:
            os.setsid(); server.accept()
    """,
    "a wall of names": """
        import os
        for n in range(600):
            os.mkdir("d" + "\\u202e" * 60 + str(n)); os.chmod("d" + "\\u202e" * 60 + str(n), 0)
    """,
    "signals at everybody": """
        import os, signal
        for pid in [int(p) for p in os.listdir("/proc") if p.isdigit()]:
            for number in (signal.SIGSTOP, signal.SIGKILL, signal.SIGTERM):
                try:
                    if pid != os.getpid(): os.kill(pid, number); print("signalled", pid)
                except PermissionError:
                    pass
    """,
    "priorities of others": """
        import os
        for pid in [int(p) for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()]:
            for change in (lambda: os.setpriority(os.PRIO_PROCESS, pid, 19), lambda: os.sched_setaffinity(pid, {0})):
                try:
                    change(); print("changed", pid)
                except OSError:
                    pass
    """,
    "what others hold": """
        import os
        for pid in [p for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()]:
            for name in ("environ", "mem", "maps", "fd", "root", "cwd", "exe", "auxv", "io", "stack"):
                try:
                    path = f"/proc/{pid}/{name}"
                    os.listdir(path) if name in ("fd", "root", "cwd") else open(path, "rb").read(1)
                    print("read", path)
                except OSError:
                    pass
    """,
    "the trees and the box itself": """
        import os
        for path in ("/box/trees", "/opt/moa/box/server.py", "/box/job", "/opt/moa"):
            for action in (lambda: os.rename(path, path + "x"), lambda: os.chmod(path, 0o777), lambda: os.rmdir(path)):
                try:
                    action(); print("did", path)
                except OSError:
                    pass
        try:
            print(os.listdir("/box/trees"))
        except PermissionError:
            pass
    """,
}


@pytest.mark.parametrize("name", STOPPED)
def test_what_the_walls_stop_already(box, name):
    first = box.run(STOPPED[name], sealed=("tests/",), cpu_s=2.0, wall_s=4.0)
    assert (first.ended, first.exit_code, first.stdout) == (Ended.EXITED, 0, b""), first
    look = """
        import fcntl, os, socket
        socket.socket(socket.AF_UNIX).bind("\\0left")
        fcntl.flock(open("tests/test_code.py"), fcntl.LOCK_EX | fcntl.LOCK_NB)
        mine = [p for p in os.listdir("/proc") if p.isdigit() and os.stat("/proc/" + p).st_uid != 0]
        print(len(mine), sorted(os.listdir(".")))
    """
    second = box.run(look, sealed=("tests/",))
    assert second.stdout == b"1 ['pack', 'run.sh', 'tests']\n", second
    assert second.box_id == first.box_id


def test_a_job_drops_every_capability_and_every_way_back(box):
    look = """
        for line in open("/proc/self/status"):
            if line.startswith(("CapPrm", "CapEff", "CapAmb", "NoNewPrivs", "Seccomp:", "Groups")):
                print(*line.split())
    """
    told = box.says(look).splitlines()
    none = "0" * 16
    expected = ["Groups:", f"CapPrm: {none}", f"CapEff: {none}", f"CapAmb: {none}", "NoNewPrivs: 1"]
    assert told == [*expected, "Seccomp: 2"]

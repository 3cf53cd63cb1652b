"""Section B: jobs and candidates that take what they can get."""

# ruff: noqa: E501 (a line of an attack stays a line)

from abuse_cases import (
    EXITED,
    FAILED,
    OUT_OF_TIME,
    OVER_LIMIT,
    PASSED,
    SIGNALLED,
    TIMED_OUT,
    BoxCase,
)  # fmt: skip
from cases_forging import small

from moa_code.core.box import Ended

SHORT = {"cpu_s": 0.5, "wall_s": 0.9}
LONG = {"cpu_s": 3.0, "wall_s": 4.0}
PIDS = frozenset({Ended.PIDS})
MEMORY = frozenset({Ended.MEMORY})
DISK = frozenset({Ended.DISK})
OUTPUT = frozenset({Ended.OUTPUT})
# What is refused may also end in an error that the job prints, or in it being killed: never in getting it.
REFUSED = EXITED | SIGNALLED


def job(row, name, code, expected=EXITED, **rest):
    return BoxCase(row=row, name=name, code=code, expected=expected, **rest)


TIME = (
    job(29, "loop", "while True: pass", OUT_OF_TIME, limits=SHORT),
    job(29, "sleep", "import time; time.sleep(1e6)", OUT_OF_TIME, limits=SHORT),
    job(29, "reads-stdin", "import sys; print(repr(sys.stdin.read()))", EXITED, says="''\n"),
    job(29, "reads-a-pipe", "import os; r, w = os.pipe(); os.read(r, 1)", OUT_OF_TIME, limits=SHORT),
    job(
        29,
        "waits-for-a-lock",
        "import threading; l = threading.Lock(); l.acquire(); l.acquire()",
        OUT_OF_TIME,
        limits=SHORT,
    ),
    job(
        29,
        "opens-a-fifo",
        "import os; os.mkfifo('/tmp/moa-left-fifo'); open('/tmp/moa-left-fifo')",
        OUT_OF_TIME,
        limits=SHORT,
    ),
    job(
        29,
        "children-share-the-time",
        """
        import os
        for _ in range(6):
            if os.fork() == 0:
                while True: pass
        os.wait()
    """,
        OUT_OF_TIME,
        limits=SHORT,
    ),
    job(
        29,
        "a-relay-of-short-lives",
        """
        import os, signal, time
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            if os.fork() == 0:
                while time.process_time() < 0.15: pass
                os._exit(0)
            time.sleep(0.15)
    """,
        OUT_OF_TIME | PIDS,
        limits={"cpu_s": 0.6, "wall_s": 4.0},
    ),
    small(29, "a-check-that-loops", "while True:\n    pass", expected=TIMED_OUT, limits=SHORT),
    small(
        29,
        "a-check-that-swallows-its-clock",
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
        expected=TIMED_OUT,
        limits=SHORT,
    ),
    small(29, "a-check-that-reads-stdin", "import sys\nreturn len(sys.stdin.read())", expected=FAILED),
    small(29, "loops-at-import", before="while True:\n    pass", expected=TIMED_OUT, limits=SHORT),
    small(
        29,
        "loops-in-what-it-says",
        "raise E",
        "class E(Exception):\n    pass\n\n\ndef say(self):\n    while True:\n"
        "        pass\n\n\nE.__str__ = E.__repr__ = say",
        expected=TIMED_OUT,
        limits=SHORT,
    ),
    job(
        30,
        "all-signals-blocked",
        "import signal, time; signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); time.sleep(1e6)",
        OUT_OF_TIME,
        limits=SHORT,
    ),
    job(
        30,
        "all-signals-ignored",
        """
        import signal
        for n in range(1, 65):
            try: signal.signal(n, signal.SIG_IGN)
            except (OSError, ValueError): pass
        while True: pass
    """,
        OUT_OF_TIME,
        limits=SHORT,
    ),
    job(
        30,
        "children-in-sessions-of-their-own",
        """
        import os, signal, time
        for _ in range(8):
            if os.fork() == 0:
                os.setsid(); signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); time.sleep(1e6)
        time.sleep(1e6)
    """,
        OUT_OF_TIME,
        limits=SHORT,
    ),
    job(
        30,
        "stops-its-own-killer",
        """
        import ctypes, os
        kill = ctypes.PyDLL(None).kill
        for _ in range(2):
            if os.fork() == 0:
                os.setsid()
                while True: kill(-1, 19)
        __import__("time").sleep(1e6)
    """,
        OUT_OF_TIME,
        limits=SHORT,
    ),
    job(
        30,
        "a-vfork-that-never-comes-back",
        """
        import ctypes, os, platform
        libc = ctypes.CDLL(None)
        number = {"x86_64": 56, "aarch64": 220}[platform.machine()]
        if libc.syscall(number, 0x4000 | 17, 0, 0, 0, 0) == 0:  # CLONE_VFORK
            while True: pass
    """,
        OUT_OF_TIME,
        limits=SHORT,
    ),
    small(
        30,
        "a-check-that-blocks-signals",
        "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\ntime.sleep(1e6)",
        expected=TIMED_OUT,
        limits=SHORT,
    ),
    small(
        30,
        "a-check-that-takes-the-timers-signals",
        "import signal\nfor n in (14, 26, 27, 15):\n    signal.signal(n, signal.SIG_IGN)\nwhile True:\n    pass",
        expected=TIMED_OUT,
        limits=SHORT,
    ),
    job(31, "huge-power", "x = 7 ** (10 ** 9)", OUT_OF_TIME | MEMORY, limits=SHORT),
    job(31, "regex", "import re; re.match(r'(a+)+$', 'a' * 64 + 'b')", OUT_OF_TIME, limits=SHORT),
    job(
        31,
        "big-sort",
        "x = sorted([str(n * 7919 % 1000003) for n in range(10 ** 6)] * 3)",
        OUT_OF_TIME | MEMORY,
        limits=SHORT,
    ),
    job(31, "digits", "import sys; sys.set_int_max_str_digits(0); str(3 ** (10 ** 7))", OUT_OF_TIME, limits=SHORT),
    job(
        31,
        "hash-flood",
        "d = {}\nM = (1 << 61) - 1\nfor n in range(10 ** 6): d[n * M] = n",
        OUT_OF_TIME | MEMORY,
        limits=SHORT,
    ),
    job(31, "a-c-function-that-sleeps", "import ctypes; ctypes.CDLL(None).sleep(100000)", OUT_OF_TIME, limits=SHORT),
    small(31, "a-check-that-computes", "return 7 ** (10 ** 9)", expected=TIMED_OUT | OVER_LIMIT, limits=SHORT),
    small(
        31,
        "a-check-with-a-regex",
        "import re\nreturn re.match(r'(a+)+$', 'a' * 64 + 'b')",
        expected=TIMED_OUT,
        limits=SHORT,
    ),
)
PROCESSES = (
    job(32, "fork-bomb", "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", PIDS, limits=LONG),
    job(
        32,
        "fork-and-setsid",
        "import os\nwhile True:\n    try:\n        if os.fork() == 0: os.setsid()\n    except OSError: pass",
        PIDS,
        limits=LONG,
    ),
    job(
        32,
        "threads",
        """
        import threading, time
        while True:
            try: threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
            except RuntimeError: pass
    """,
        PIDS,
        limits=LONG,
    ),
    job(
        32,
        "zombies",
        "import os, time\nwhile True:\n    try:\n        if os.fork() == 0: os._exit(0)\n    except OSError: pass",
        PIDS,
        limits=LONG,
    ),
    job(
        32,
        "threads-through-libc",
        """
        import ctypes, os, platform
        libc = ctypes.CDLL(None)
        libc.pause.restype = ctypes.c_int
        made = ctypes.c_ulong()
        while True:
            libc.pthread_create(ctypes.byref(made), None, libc.pause, None)
    """,
        PIDS | OUT_OF_TIME | MEMORY,
        limits=LONG,
    ),
    job(
        32,
        "shells",
        "import os; open('b', 'w').write('./b & ./b &'); os.chmod('b', 0o755); os.execvp('sh', ['sh', '-c', 'b() { b | b & }; b; sleep 9'])",
        PIDS | OUT_OF_TIME,
        limits=LONG,
    ),
    job(
        32,
        "bomb-behind-a-leaver",
        "import os\nif os.fork() == 0:\n    os.setsid()\n    while True:\n        try: os.fork()\n"
        "        except OSError: pass\nimport time; time.sleep(0.3)",
        PIDS,
        limits=LONG,
    ),
    small(
        32,
        "a-check-that-forks",
        "import os, time\nwhile True:\n    if os.fork() == 0:\n        time.sleep(100)",
        expected=OVER_LIMIT,
        limits=LONG,
    ),
    small(
        32,
        "a-check-with-threads",
        "import threading, time\nwhile True:\n"
        "    threading.Thread(target=time.sleep, args=(100,), daemon=True).start()",
        expected=OVER_LIMIT,
        limits=LONG,
    ),
    job(
        33,
        "double-fork",
        """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork(): os._exit(0)
            open('/tmp/moa-left-daemon', 'w').close()
            time.sleep(1e6)
        while not os.path.exists('/tmp/moa-left-daemon'): time.sleep(0.01)
    """,
        EXITED,
        then=("import os\nif os.path.exists('/tmp/moa-left-daemon'): print('HOLE still there')",),
    ),
    job(
        33,
        "adopted-by-a-reaper",
        """
        import ctypes, os, time
        ctypes.CDLL(None).prctl(36, 1)
        if os.fork() == 0:
            if os.fork() == 0:
                os.setsid(); time.sleep(1e6)
            os._exit(0)
    """,
        EXITED,
    ),
    job(
        33,
        "given-to-the-parent",
        """
        import ctypes, os, platform
        libc = ctypes.CDLL(None)
        for _ in range(12):
            if libc.syscall({"x86_64": 56, "aarch64": 220}[platform.machine()], 0x8000 | 17, 0, 0, 0, 0) == 0:
                os.setsid(); __import__("time").sleep(1e6)
    """,
        EXITED,
    ),
    job(
        33,
        "given-to-the-parent-and-dead",
        """
        import ctypes, os, platform
        libc = ctypes.CDLL(None)
        for _ in range(18):
            if libc.syscall({"x86_64": 56, "aarch64": 220}[platform.machine()], 0x8000 | 17, 0, 0, 0, 0) == 0: os._exit(0)
    """,
        EXITED,
        then=(
            """
        import os
        if any(") Z " in open(f"/proc/{pid}/stat").read() for pid in os.listdir("/proc") if pid.isdigit()): print("HOLE the dead lie about")
    """,
        ),
    ),
    job(
        33,
        "stopped-and-forgotten",
        "import os, signal\nfor _ in range(6):\n    if os.fork() == 0: os.kill(os.getpid(), signal.SIGSTOP)",
        EXITED,
    ),
    small(
        33,
        "a-check-that-leaves-a-daemon",
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        time.sleep(1e6)\n    os._exit(0)\nreturn x - 1",
        expected=FAILED,
    ),
    small(
        33,
        "a-thread-that-goes-on",
        "return x + 1",
        "import threading\n\n\ndef stay():\n    while True:\n        pass\n\n\nthreading.Thread(target=stay).start()",
        expected=PASSED | TIMED_OUT,
        limits=SHORT,
    ),
    small(
        33,
        "a-daemon-that-writes-results",
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        time.sleep(0.05)\n        import m\n        m.f = lambda n: n + 1\n        while True:\n            time.sleep(1)\n"
        "    os._exit(0)\nreturn x - 1",
        expected=FAILED,
    ),
)
SPACE = (
    job(34, "bytearray", "x = []\nwhile True: x.append(bytearray(1 << 22))", MEMORY, limits=LONG),
    job(
        34, "one-big-piece", "x = bytearray(1 << 32); x[::4096] = b'x' * len(x[::4096])", MEMORY | REFUSED, limits=LONG
    ),
    job(
        34,
        "mmap",
        "import mmap\nm = mmap.mmap(-1, 1 << 29)\nfor n in range(0, 1 << 29, 4096): m[n] = 1\nprint('HOLE held 512 MiB')",
        MEMORY | REFUSED,
        limits=LONG,
    ),
    job(
        34,
        "memfd",
        """
        import os
        for _ in range(64):
            file = os.memfd_create("x")
            for _ in range(8): os.write(file, bytes(1 << 20))
            os.dup(file)
        print("HOLE held 512 MiB")
    """,
        MEMORY | REFUSED,
        limits=LONG,
    ),
    job(
        34,
        "many-children-below-the-limit",
        """
        import os, time
        for _ in range(16):
            if os.fork() == 0:
                x = [os.urandom(1 << 20) for _ in range(20)]; time.sleep(20)
        time.sleep(20); print("HOLE held 320 MiB")
    """,
        MEMORY,
        limits=LONG,
    ),
    job(
        34,
        "children-that-ask-to-be-spared",
        """
        import os, time
        def spare():
            with open("/proc/self/oom_score_adj", "w") as file: file.write("0")
        spare()
        for _ in range(18):
            if os.fork() == 0:
                spare(); x = []
                for _ in range(16):
                    x.append(b"x" * (1 << 20)); time.sleep(0.004)
                time.sleep(20)
        time.sleep(20)
    """,
        MEMORY,
        limits=LONG,
    ),
    job(
        34,
        "one-after-the-other",
        """
        import os, time
        for n in range(40):
            if os.fork() == 0:
                if os.fork(): os._exit(0)
                os.setsid(); x = [os.urandom(1 << 20) for _ in range(12)]; time.sleep(20)
            os.wait()
        time.sleep(20)
    """,
        MEMORY | PIDS,
        limits=LONG,
    ),
    job(
        34,
        "locked",
        "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.mlockall(3)\nx = [bytearray(1 << 20) for _ in range(400)]\n"
        "print('HOLE held 400 MiB')",
        MEMORY | REFUSED,
        limits=LONG,
    ),
    small(
        34,
        "a-check-that-hoards",
        "hog = []\nwhile True:\n    hog.append(bytearray(1 << 22))",
        expected=OVER_LIMIT,
        limits=LONG,
    ),
    small(
        34,
        "a-check-whose-answer-is-huge",
        "return 'x' * (1 << 30)",
        expected=OVER_LIMIT | FAILED | TIMED_OUT,
        limits=LONG,
        raises="MemoryError",
    ),
    job(
        35,
        "tmp",
        "for n in range(64):\n    with open(f'/tmp/moa-left-{n}', 'wb') as f: f.write(bytes(2 << 20))\nprint('HOLE wrote 128 MiB')",
        REFUSED | DISK | MEMORY,
        limits=LONG,
    ),
    job(
        35,
        "dev-shm",
        "for n in range(64):\n    with open(f'/dev/shm/moa-left-{n}', 'wb') as f: f.write(bytes(1 << 20))\nprint('HOLE wrote 64 MiB')",
        REFUSED | DISK | MEMORY,
        limits=LONG,
    ),
    job(
        35,
        "shared-map",
        "import mmap, os\nfd = os.open('/dev/shm/moa-left', os.O_RDWR | os.O_CREAT)\nos.ftruncate(fd, 1 << 28)\n"
        "m = mmap.mmap(fd, 1 << 28)\nfor n in range(0, 1 << 28, 4096): m[n] = 1\nprint('HOLE held 256 MiB')",
        REFUSED | DISK | MEMORY,
        limits=LONG,
    ),
    job(
        35,
        "pipe-buffers",
        """
        import fcntl, os
        held = []
        try:
            while True:
                r, w = os.pipe(); held += [r, w]
                try: fcntl.fcntl(w, 1031, 1 << 20)
                except OSError: pass
                os.set_blocking(w, False)
                try:
                    while True: os.write(w, bytes(1 << 16))
                except BlockingIOError: pass
        except OSError as error: print(error.errno, len(held) <= 64)
    """,
        EXITED | MEMORY,
        limits=LONG,
    ),
    job(
        35,
        "socket-buffers",
        """
        import socket
        held = []
        try:
            while True:
                a, b = socket.socketpair(); held += [a, b]
                a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 26); a.setblocking(False)
                try:
                    while True: a.send(bytes(1 << 16))
                except BlockingIOError: pass
        except OSError as error: print(error.errno, len(held) <= 64)
    """,
        EXITED | MEMORY,
        limits=LONG,
    ),
    job(
        35,
        "sockets-inside-sockets",
        """
        import array, socket
        a, b = socket.socketpair(); a.setblocking(False)
        n = 0
        try:
            for _ in range(100000):
                c, d = socket.socketpair(); c.setblocking(False)
                try:
                    while True: c.send(bytes(1 << 16))
                except BlockingIOError: pass
                a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [c.fileno(), d.fileno()]))])
                del c, d; n += 1
        except OSError as error: print(error.errno, n < 600)
    """,
        EXITED | MEMORY,
        limits=LONG,
    ),
)
CRASHES = (
    job(36, "null-pointer", "import ctypes; ctypes.string_at(0)", SIGNALLED),
    job(
        36,
        "deep-recursion",
        "import sys; sys.setrecursionlimit(1 << 30)\ndef f(): f()\nf()",
        SIGNALLED | MEMORY | OUT_OF_TIME,
        limits=LONG,
    ),
    job(36, "recursion-in-c", "x = None\nfor _ in range(10 ** 6): x = [x]\nrepr(x)", SIGNALLED | EXITED),
    job(
        36,
        "crafted-code",
        "c = (lambda: 0).__code__.replace(co_code=bytes([151, 0, 1, 0, 100, 200, 83, 0]) * 8, co_stacksize=1)\nexec(c)",
        SIGNALLED | EXITED,
    ),
    job(
        36,
        "illegal-instruction",
        """
        import ctypes, mmap
        m = mmap.mmap(-1, 4096, prot=7); m.write(b"\\x0f\\x0b" * 8 if __import__("platform").machine() == "x86_64" else bytes(16))
        ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()
    """,
        SIGNALLED | EXITED,
    ),
    job(36, "abort", "import os; os.abort()", SIGNALLED),
    job(
        36,
        "stack-smash",
        "import ctypes; b = ctypes.create_string_buffer(8); ctypes.memset(ctypes.addressof(b) - (1 << 16), 65, 1 << 22)",
        SIGNALLED | EXITED,
    ),
    job(
        36,
        "every-signal",
        "import os\nfor n in (11, 4, 7, 8, 5, 31, 6): os.fork() or os.kill(os.getpid(), n)\nos.kill(os.getpid(), 11)",
        SIGNALLED,
    ),
    job(
        36,
        "no-core",
        "import os, resource\nprint(resource.getrlimit(resource.RLIMIT_CORE))\nos.chdir('/tmp')\nif os.fork() == 0: os.abort()\n"
        "os.wait(); print(os.listdir('/tmp'))",
        EXITED,
        says="(0, 0)\n[]\n",
    ),
    small(36, "a-check-that-crashes", "import ctypes\nctypes.string_at(0)", expected=FAILED),
    small(
        36,
        "a-check-that-recurses",
        "import sys\nsys.setrecursionlimit(1 << 30)\nreturn f(x)",
        expected=FAILED | OVER_LIMIT,
    ),
    small(
        36,
        "a-check-that-destroys-none",
        "import ctypes\nfor n in range(64):\n    ctypes.c_long.from_address(id(None) + 8 * n).value = 0\nreturn x",
        expected=FAILED,
    ),
)
DISKS = (
    job(
        37,
        "one-big-file",
        "with open('big', 'wb') as f:\n    while True: f.write(bytes(1 << 20))",
        DISK | SIGNALLED,
        limits=LONG,
    ),
    job(
        37,
        "many-files",
        "import os\nfor n in range(100):\n    with open(f'f{n}', 'wb') as f: f.write(bytes(1 << 19))",
        DISK,
        limits=LONG,
    ),
    job(
        37,
        "fallocate",
        "import os\nfd = os.open('big', os.O_CREAT | os.O_RDWR)\nos.posix_fallocate(fd, 0, 10 << 30)\nprint('HOLE 10 GiB')",
        REFUSED | DISK,
        limits=LONG,
    ),
    job(
        37,
        "fallocate-in-pieces",
        "import os\nfor n in range(100):\n    os.posix_fallocate(os.open(f'f{n % 50}', os.O_CREAT | os.O_RDWR), 0, 1 << 20)\n"
        "import time; time.sleep(0.2); print('HOLE 50 MiB')",
        REFUSED | DISK,
        limits=LONG,
    ),
    job(
        37,
        "sparse",
        "import os\nfd = os.open('big', os.O_CREAT | os.O_RDWR)\nos.ftruncate(fd, 1 << 40)\nprint('HOLE 1 TiB')",
        REFUSED | DISK,
        limits=LONG,
    ),
    job(
        37,
        "kept-open-and-unlinked",
        "import os\nfds = []\nfor n in range(40):\n    fds.append(os.open('f', os.O_CREAT | os.O_RDWR)); os.unlink('f')\n"
        "    os.write(fds[-1], bytes(1 << 19))\nimport time; time.sleep(2)",
        DISK,
        limits=LONG,
    ),
    job(
        37,
        "just-before-leaving",
        "import os\nfor n in range(30):\n    with open(f'f{n}', 'wb') as f: f.write(bytes(1 << 20))\nos._exit(0)",
        DISK,
        limits=LONG,
    ),
    job(
        37,
        "in-the-home",
        "import os\nfor n in range(30):\n    with open(os.environ['HOME'] + f'/f{n}', 'wb') as f: f.write(bytes(1 << 20))",
        DISK,
        limits=LONG,
    ),
    job(
        37,
        "hard-links-to-sealed-files",
        "import os\nfor n in range(5000): os.link('tests/test_code.py', f'l{n}')",
        REFUSED | DISK,
        sealed=("tests/",),
        limits=LONG,
    ),
    small(
        37,
        "a-check-that-fills-the-disk",
        "with open('big', 'wb') as file:\n    while True:\n        file.write(bytes(1 << 20))",
        expected=OVER_LIMIT | FAILED,
        limits=LONG,
    ),
    *(
        job(
            38,
            f"a-million-files-in-{name}",
            f"import os\nn = 0\nwhile n < 10 ** 6:\n    os.close(os.open(f'{folder}/{{n}}', 65)); n += 1",
            DISK,
            limits=LONG,
        )
        for name, folder in (("the-tree", "."), ("tmp", "/tmp"), ("dev-shm", "/dev/shm"))
    ),
    job(
        38,
        "deep-folders",
        "import os\nfor n in range(1200): os.mkdir('d' * 20); os.chdir('d' * 20)\nprint('built')",
        EXITED,
        says="built\n",
    ),
    job(
        38,
        "a-wall-of-names",
        "import os\nfor n in range(600): os.mkdir('d' + '\\u202e' * 60 + str(n)); os.chmod('d' + '\\u202e' * 60 + str(n), 0)",
        EXITED,
    ),
    job(
        38,
        "ten-thousand-deep",
        "import os\nfor n in range(10000): os.mkdir('d'); os.chdir('d')",
        DISK | REFUSED,
        limits=LONG,
    ),
    job(
        38,
        "odd-names",
        """
        import os
        for root in (os.getcwd(), "/tmp", os.environ["HOME"], "/dev/shm"):
            os.chdir(root)
            for name in ("new\\nline", "a" * 255, "-rf", " ", "\\x01", b"\\xff\\xfe", "*", "$(reboot)", ".moved-0", "\\u202e" * 60):
                os.mkdir(name); os.chmod(name, 0)
    """,
        EXITED,
        then=(
            "import os\nif os.listdir('/tmp') + os.listdir('/dev/shm') + os.listdir(os.environ['HOME']): print('HOLE')",
        ),
    ),
    small(
        38,
        "a-check-that-makes-files",
        "import os\nfor n in range(10 ** 6):\n    os.close(os.open(f'f{n}', os.O_CREAT | os.O_WRONLY))",
        expected=OVER_LIMIT,
        limits=LONG,
    ),
    job(
        39,
        "modes-taken-away",
        """
        import os
        os.makedirs("a/b/c"); open("a/b/c/f", "w").close()
        for path in ("a/b/c/f", "a/b/c", "a/b", "a"): os.chmod(path, 0)
        os.mkdir("/tmp/moa-left-x"); open("/tmp/moa-left-x/y", "w").close(); os.chmod("/tmp/moa-left-x", 0)
    """,
        EXITED,
    ),
    job(
        39,
        "fifos-and-sockets",
        """
        import os, socket
        for folder in (".", "/tmp", os.environ["HOME"]):
            os.mkfifo(folder + "/report.xml"); os.symlink("/dev/zero", folder + "/out"); os.symlink("/", folder + "/root")
            socket.socket(socket.AF_UNIX).bind(folder + "/s")
            try: os.mknod(folder + "/null", 0o20666, os.makedev(1, 3)); print("HOLE device", folder)
            except OSError: pass
    """,
        EXITED,
    ),
    job(
        39,
        "in-place-of-its-own-folders",
        """
        import os, shutil
        os.chdir("/")
        for path in ("/box/job/tree", "/box/job/home", "/box/job/tmp"):
            for act in (lambda: os.rename(path, path + "x"), lambda: shutil.rmtree(path), lambda: os.rmdir(path)):
                try: act()
                except OSError: pass
            try: os.symlink("/opt", path); print("HOLE replaced", path)
            except OSError: pass
        try: os.chmod("/box/job/home", 0)
        except OSError: pass
    """,
        EXITED,
    ),
    job(
        39,
        "immutable",
        """
        import ctypes, fcntl, os, struct
        fd = os.open("still", os.O_CREAT | os.O_RDWR)
        for flags in (0x10, 0x20):
            try: fcntl.ioctl(fd, 0x40086602, struct.pack("l", flags)); print("HOLE flags", flags)
            except OSError: pass
        for name in ("user.x", "security.capability", "system.posix_acl_access"):
            try: os.setxattr("still", name, b"x" * 20); print("HOLE attribute", name)
            except OSError: pass
    """,
        EXITED,
    ),
    small(
        39,
        "a-check-that-bars-its-folders",
        "import os\nfor path in ('a/b', 'a', '.', '/tmp'):\n    try:\n"
        "        os.makedirs(path, exist_ok=True)\n        os.chmod(path, 0)\n    except OSError:\n        pass\nreturn x - 1",
        expected=FAILED,
    ),
    job(
        40,
        "descriptors",
        "import os\nn = 0\ntry:\n    while True: n = os.dup(0)\nexcept OSError as error: print(error.errno, n)",
        EXITED,
        says="24 63\n",
    ),
    job(
        40,
        "inotify-and-others",
        """
        import ctypes, os, platform
        libc = ctypes.CDLL(None, use_errno=True)
        made = 0
        for make in (libc.inotify_init, lambda: libc.epoll_create1(0), lambda: libc.eventfd(0, 0), lambda: libc.timerfd_create(1, 0)):
            for _ in range(200): made += make() >= 0
        print(made <= 64)
    """,
        EXITED,
        says="True\n",
    ),
    job(
        40,
        "watches",
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        fd = libc.inotify_init(); n = 0
        for k in range(1000):
            os.mkdir(f"d{k}"); n += libc.inotify_add_watch(fd, f"d{k}".encode(), 2) > 0
    """,
        EXITED | DISK,
    ),
    job(
        40,
        "timers",
        """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        timer = ctypes.c_void_p(); event = (ctypes.c_char * 64)(); event[12] = 1
        n = sum(libc.timer_create(1, event, ctypes.byref(timer)) == 0 for _ in range(100000))
        print(n <= 1024)
    """,
        EXITED,
        says="True\n",
    ),
    job(
        40,
        "signals-in-waiting",
        """
        import os, signal
        signal.pthread_sigmask(signal.SIG_BLOCK, {40})
        n = 0
        try:
            while n < 10 ** 5: os.kill(os.getpid(), 40); n += 1
        except OSError: pass
    """,
        EXITED,
    ),
    small(
        40,
        "a-check-that-opens-everything",
        "import os\nheld = []\nwhile True:\n    held.append(os.dup(1))",
        expected=FAILED,
        raises="OSError",
    ),
)
FLOODS = (
    job(41, "stdout", "import os\nwhile True: os.write(1, b'x' * 65536)", OUTPUT, limits=LONG),
    job(41, "stderr", "import os\nwhile True: os.write(2, b'x' * 65536)", OUTPUT, limits=LONG),
    job(41, "one-line", "import os\nfor _ in range(1 << 14): os.write(1, b'x' * 65536)", OUTPUT, limits=LONG),
    job(
        41,
        "nuls-and-no-utf-8",
        "import os\nos.write(1, b'\\0\\xff\\xfe\\xed\\xa0\\x80\\r\\x1b[2J' * 100)\nos.write(2, bytes(range(256)))",
        EXITED,
    ),
    job(
        41,
        "many-writers",
        "import os\nfor _ in range(8):\n    if os.fork() == 0:\n        while True: os.write(1, b'x' * 65536)\nos.wait()",
        OUTPUT,
        limits=LONG,
    ),
    small(41, "a-check-that-prints", "while True:\n    print('x' * 65536)", expected=OVER_LIMIT, limits=LONG),
    small(
        41,
        "a-check-that-prints-in-red",
        "print('\\x1b[31m\\0\\ud800'.encode('utf-8', 'surrogatepass') * 50)\n"
        "raise OSError('\\x1b]0;title\\x07\\r\\u202e' * 20)",
        expected=FAILED,
    ),
    small(
        41,
        "a-flood-into-every-descriptor",
        "import os\nfor fd in range(1, 64):\n    try:\n        for _ in range(40):\n"
        "            os.write(fd, b'\\n' * (1 << 19))\n    except OSError:\n        continue\nreturn x - 1",
        expected=OVER_LIMIT | frozenset({"tampered"}),
        limits=LONG,
    ),
    job(
        42,
        "flood-then-hold",
        """
        import os, time
        if os.fork() == 0:
            os.setsid()
            try:
                while True: os.write(1, b"x" * 65536)
            finally: time.sleep(1e6)
        time.sleep(0.05); os._exit(0)
    """,
        OUTPUT | EXITED,
    ),
    job(
        42,
        "hold-the-pipe-and-say-nothing",
        "import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(1e6)\nprint('bye')",
        EXITED,
        says="bye\n",
    ),
    job(
        42,
        "the-pipe-sent-to-itself",
        """
        import array, os, socket, time
        a, b = socket.socketpair()
        for _ in range(10):
            a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [1, 2, a.fileno(), b.fileno()]))])
    """,
        EXITED,
    ),
    small(
        42,
        "a-check-that-leaves-a-holder",
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(1e6)\nreturn x - 1",
        expected=FAILED,
    ),
    job(
        43,
        "many-threads-of-c",
        """
        import hashlib, threading
        for _ in range(12): threading.Thread(target=lambda: [hashlib.sha256(bytes(1 << 20)) for _ in range(10 ** 6)], daemon=True).start()
        import time; time.sleep(1e6)
    """,
        OUT_OF_TIME,
        limits=SHORT,
    ),
    job(
        43,
        "affinity-and-priority",
        """
        import os
        done = []
        for act in (lambda: os.nice(-5), lambda: os.setpriority(0, 0, -10), lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
                    lambda: os.sched_setaffinity(1, {0}), lambda: os.sched_setaffinity(os.getppid(), {0})):
            try: act(); print("HOLE", act.__code__.co_firstlineno)
            except OSError: pass
        for _ in range(8):
            if os.fork() == 0:
                while True: pass
        os.wait()
    """,
        OUT_OF_TIME,
        limits=SHORT,
    ),
)
CASES = TIME + PROCESSES + SPACE + CRASHES + DISKS + FLOODS

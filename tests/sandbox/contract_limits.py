"""What every backend that runs jobs promises about their limits: named, in time, and of no consequence to the next."""

import pytest
from sandbox_bench import LIMITS

from moa_code.core.box import Ended

LATE_S = 2.0  # how much later than its limit a job may end
GREEDY = "x = []\nwhile True: x.append(b'x' * (4 << 20))"
CHILDREN = """
import os, time
for _ in range(9):
    if not os.fork():
        x = b"x" * (40 << 20)
        break
time.sleep(60)
"""


class LimitsContract:
    def ends(self, bench, ended, code, **limits):
        seen = bench.run(code, **limits)
        assert seen.ended is ended, seen
        assert (seen.exit_code, seen.signal) == (None, None)
        assert seen.wall_s < limits.get("wall_s", LIMITS.wall_s) + LATE_S
        bench.still_works()
        return seen

    @pytest.mark.parametrize(
        "code",
        [
            "while True: pass",
            "import os\nfor _ in range(3): os.fork()\nwhile True: pass",
            "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
            "3 ** (10 ** 9)",
            "import threading\nfor _ in range(4): threading.Thread(target=lambda: sum(range(10 ** 12))).start()",
        ],
        ids=["loop", "children", "signals blocked", "one call into C", "threads"],
    )
    def test_cpu(self, bench, code):
        seen = self.ends(bench, Ended.CPU_LIMIT, code, cpu_s=0.3)
        assert 0.3 < seen.cpu_s < 2

    @pytest.mark.parametrize(
        "code",
        [
            "import time; time.sleep(60)",
            "import signal, time\nfor s in (1, 2, 3, 14, 15): signal.signal(s, signal.SIG_IGN)\ntime.sleep(60)",
            "import os\nr, w = os.pipe()\nos.read(r, 1)",
            "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
            "import os\nif os.fork(): os.waitpid(-1, 0)\nos.setsid(); __import__('time').sleep(60)",
        ],
        ids=["sleep", "signals ignored", "read", "stopped", "waits for a daemon"],
    )
    def test_wall_clock(self, bench, code):
        seen = self.ends(bench, Ended.WALL_LIMIT, code, wall_s=0.4)
        assert seen.wall_s >= 0.4

    def test_a_box_outlives_time_limits(self, bench):
        """Only what may have harmed a box costs it: a start takes longer than most jobs."""
        box = bench.run("pass").box_id
        assert bench.run("while True: pass", cpu_s=0.2).box_id == box
        assert bench.run("while True: print('x' * 10000)").box_id == box
        assert bench.run("pass").box_id == box

    @pytest.mark.parametrize(
        "code",
        [
            GREEDY,
            "import mmap\nx = []\nwhile True:\n    m = mmap.mmap(-1, 4 << 20); m.write(b'x' * (4 << 20)); x.append(m)",
            CHILDREN,
        ],
        ids=["heap", "mmap", "children that are small each"],
    )
    def test_memory(self, bench, code):
        self.ends(bench, Ended.MEMORY, code)

    @pytest.mark.parametrize(
        "code",
        [
            "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
            "import os\nwhile True:\n    try: os.fork() and os.setsid()\n    except OSError: pass",
            "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(60,)).start()",
            "import os, time\nfor _ in range(100):\n    try:\n        if not os.fork(): time.sleep(60)\n"
            "    except OSError: os._exit(0)",
        ],
        ids=["fork bomb", "fork and setsid", "threads", "at once and gone"],
    )
    def test_processes(self, bench, code):
        self.ends(bench, Ended.PIDS, code)

    @pytest.mark.parametrize(
        "code",
        [
            "with open('f', 'wb') as f:\n    while True: f.write(b'x' * 65536)",
            "f = open('f', 'wb', buffering=0); f.write(b'x' * (9 << 20))",
            "for n in range(9): open(f'f{n}', 'wb').write(b'x' * (1 << 20))",
            "import os; os.posix_fallocate(os.open('f', os.O_CREAT | os.O_WRONLY), 0, 17 << 19)",
            "import os\nos.chdir(os.environ['HOME'])\nfor n in range(9): open(f'f{n}', 'wb').write(b'x' * (1 << 20))",
            f"for n in range({LIMITS.inodes + 10}): open(f'f{{n}}', 'w').close()",
            f"import os\nfor n in range({LIMITS.inodes + 10}): os.mkdir(f'f{{n}}')",
        ],
        ids=["append", "one write", "several files", "fallocate", "home", "many files", "many folders"],
    )
    def test_disk(self, bench, code):
        self.ends(bench, Ended.DISK, code)

    def test_a_large_file_that_takes_no_room_is_refused_or_harmless(self, bench):
        seen = bench.run("open('f', 'wb').truncate(1 << 40)")
        assert (seen.ended, seen.exit_code) == (Ended.EXITED, 1)
        assert b"File too large" in seen.stderr

    @pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
    def test_shared_folders_are_small_and_come_back_empty(self, bench, folder):
        fill = f"""
            import os
            try:
                for n in range(100):
                    open(f"{folder}/{{n}}", "wb").write(b"x" * (2 << 20))
            except OSError as error:
                print(error.errno)
        """
        assert bench.says(fill) == "28\n"  # ENOSPC
        assert bench.says(f"import os; s = os.statvfs({folder!r}); print(s.f_bfree == s.f_blocks)") == "True\n"

    @pytest.mark.parametrize(
        "code",
        [
            "while True: print('x' * 1000)",
            "import sys\nwhile True: sys.stderr.write('x' * 1000)",
            "import os\nwhile True: os.write(1, bytes(65536)); os.write(2, b'\\xff' * 65536)",
            f"import os; os.write(1, b'x' * {LIMITS.output_bytes + 1})",
            f"import os; os.write(1, b'x' * {LIMITS.output_bytes}); os.write(2, b'x')",
            "import os\nif os.fork(): os._exit(0)\nos.setsid()\nwhile True: os.write(1, b'x' * 65536)",
        ],
        ids=["lines", "stderr", "no line end", "just over", "just over, both", "from a daemon"],
    )
    def test_output(self, bench, code):
        seen = bench.run(code)
        if seen.ended is not Ended.OUTPUT:  # a daemon is killed with its parent, often before it said much
            assert (seen.ended, "fork" in code) == (Ended.EXITED, True), seen
        else:
            assert seen.output_truncated
            assert len(seen.stdout) + len(seen.stderr) == LIMITS.output_bytes
        assert seen.wall_s < LATE_S
        bench.still_works()

    def test_output_up_to_the_cap_is_whole(self, bench):
        seen = bench.run(f"import os; os.write(1, b'x' * {LIMITS.output_bytes - 3}); os.write(2, b'abc')")
        assert (seen.ended, seen.output_truncated, len(seen.stdout), seen.stderr) == (
            Ended.EXITED, False, LIMITS.output_bytes - 3, b"abc",
        )  # fmt: skip

    def test_what_was_said_on_the_other_stream_survives_a_flood(self, bench):
        seen = bench.run("import os\nos.write(2, b'the reason')\nwhile True: os.write(1, b'x' * 4096)")
        assert (seen.ended, seen.stderr) == (Ended.OUTPUT, b"the reason")

    def test_a_pipe_held_open_by_a_daemon_delays_nothing(self, bench):
        seen = bench.run(
            "import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(60)\nprint('bye', flush=True)"
        )
        assert (seen.ended, seen.exit_code, seen.stdout, seen.leftover_processes) == (Ended.EXITED, 0, b"bye\n", 1)
        assert seen.wall_s < LATE_S

    def test_open_files(self, bench):
        code = "import os\nn = 0\ntry:\n    while True: n = os.dup(0)\nexcept OSError as error: print(error.errno, n)"
        assert bench.says(code) == "24 63\n"  # EMFILE

    def test_limits_cannot_be_raised(self, bench):
        code = """
            import resource
            for name in ("CPU", "FSIZE", "NPROC", "NOFILE", "CORE", "MEMLOCK"):
                kind = getattr(resource, "RLIMIT_" + name)
                soft, hard = resource.getrlimit(kind)
                try:
                    resource.setrlimit(kind, (hard + 1, hard + 1))
                    print("raised", name)
                except (ValueError, OSError):
                    pass
        """
        assert bench.says(code) == ""

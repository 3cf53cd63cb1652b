"""What every backend that runs jobs promises about what a job can reach."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from sandbox_bench import TREE

from moa_code.core.box import Ended

# Numbers of x86_64 and of the generic table that aarch64 uses; above 400 they are the same everywhere.
SYSCALLS = {
    "add_key": (248, 217), "keyctl": (250, 219), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "pivot_root": (155, 41), "mount": (165, 40), "umount2": (166, 39), "chroot": (161, 51),
    "unshare": (272, 97), "setns": (308, 268), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "open_by_handle_at": (304, 265), "kcmp": (312, 272), "init_module": (175, 105), "kexec_load": (246, 104),
    "reboot": (169, 142), "syslog": (103, 116), "swapon": (167, 224), "clock_settime": (227, 112),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "io_uring_setup": (425, 425),
    "move_mount": (429, 429), "fsopen": (430, 430), "pidfd_getfd": (438, 438), "mount_setattr": (442, 442),
}  # fmt: skip
CLONE_NEWUSER = 0x10000000


class WallsContract:
    def test_no_network_of_any_family(self, bench):
        code = """
            import socket
            for family in [*range(2, 46)]:
                for kind in (1, 2, 3):
                    try:
                        socket.socket(family, kind).close()
                        print("opened", family, kind)
                    except OSError:
                        pass
        """
        assert bench.says(code) == ""

    def test_sockets_within_a_job_work(self, bench):
        code = """
            import os, socket
            a, b = socket.socketpair(); a.send(b"pair"); print(b.recv(9))
            for name in ("path.sock", "\\0abstract"):
                server = socket.socket(socket.AF_UNIX); server.bind(name); server.listen()
                client = socket.socket(socket.AF_UNIX); client.connect(name); client.send(b"hello")
                print(server.accept()[0].recv(9))
        """
        assert bench.says(code) == "b'pair'\nb'hello'\nb'hello'\n"

    def test_ordinary_work_is_not_hindered(self, bench):
        code = """
            import asyncio, concurrent.futures, multiprocessing, subprocess, sys, tempfile, threading
            def square(n): return n * n
            if __name__ == "__main__":
                with concurrent.futures.ThreadPoolExecutor(4) as pool: print(sum(pool.map(square, range(5))))
                with multiprocessing.get_context("fork").Pool(2) as pool: print(sum(pool.map(square, range(5))))
                print(subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True).stdout)
                async def main():
                    process = await asyncio.create_subprocess_exec("true")
                    return await process.wait()
                print(asyncio.run(main()), tempfile.TemporaryFile().write(b"abc"), sys.stdin.read() == "")
        """
        assert bench.says(code).split("\n") == ["30", "30", "b'1\\n'", "0 3 True", ""]

    def test_system_calls_that_are_not_on_the_list_are_refused(self, bench):
        code = f"""
            import ctypes, platform
            libc = ctypes.CDLL(None, use_errno=True)
            column = 0 if platform.machine() == "x86_64" else 1
            for name, numbers in {SYSCALLS!r}.items():
                ctypes.set_errno(0)
                answer = libc.syscall(numbers[column], 0, 0, 0, 0, 0)
                if (answer, ctypes.get_errno()) != (-1, 1):
                    print(name, answer, ctypes.get_errno())
        """
        assert bench.says(code) == ""

    def test_no_namespace_through_clone_either(self, bench):
        code = f"""
            import ctypes, platform
            libc = ctypes.CDLL(None, use_errno=True)
            clone, clone3 = (56 if platform.machine() == "x86_64" else 220), 435
            print(libc.syscall(clone, {CLONE_NEWUSER} | 17, 0, 0, 0, 0), ctypes.get_errno())
            print(libc.syscall(clone3, 0, 0), ctypes.get_errno())
        """
        assert bench.says(code) == "-1 1\n-1 38\n"  # EPERM; ENOSYS, on which libc falls back to clone

    def test_a_job_is_nobody_and_another_nobody_each_time(self, bench):
        code = """
            import os
            status = dict(line.split(":", 1) for line in open("/proc/self/status"))
            assert os.getresuid() == os.getresgid() == (os.getuid(),) * 3, os.getresuid()
            assert os.getgroups() in ([], [os.getgid()]), os.getgroups()
            for name in ("CapPrm", "CapEff", "CapAmb"):
                assert int(status[name], 16) == 0, (name, status[name])
            assert status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2"
            for attempt in (lambda: os.setuid(0), lambda: os.setgroups([0]), lambda: os.chown(".", 0, 0)):
                try:
                    attempt()
                except PermissionError:
                    continue
                raise SystemExit("allowed")
            print(os.getuid())
        """
        uids = [int(bench.says(code)) for _ in range(4)]
        assert len(set(uids)) == 4
        assert min(uids) > 1000
        fresh = bench.wait(bench.sandbox.run_fresh(bench.job(code)))
        assert int(fresh.stdout) not in uids

    def test_those_who_watch_cannot_be_touched_or_read(self, bench):
        code = """
            import os, signal
            def tried(name, action):
                try:
                    action()
                    print("did", name)
                except (PermissionError, ProcessLookupError):
                    pass
            watchers = [int(p) for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()]
            assert 1 in watchers and os.getppid() in watchers and len(watchers) >= 3, watchers
            for pid in watchers:
                for number in (0, signal.SIGSTOP, signal.SIGKILL):
                    tried(f"kill {pid}", lambda: os.kill(pid, number))
                for name in ("environ", "mem", "maps"):
                    tried(f"{name} of {pid}", lambda: open(f"/proc/{pid}/{name}", "rb").read(1))
                for name in ("fd", "cwd/", "root/"):
                    tried(f"{name} of {pid}", lambda: os.listdir(f"/proc/{pid}/{name}"))
            os.listdir("/box/job/tree")
            tried("trees", lambda: os.listdir("/box/trees"))
            os.kill(-1, signal.SIGKILL)
        """
        assert bench.says(code) == ""
        bench.still_works()

    def test_a_job_that_kills_all_it_can_kills_itself_alone(self, bench):
        box = bench.run("pass").box_id
        seen = bench.run("import os; os.kill(0, 9)")
        assert (seen.ended, seen.signal, seen.box_id) == (Ended.SIGNALLED, 9, box)
        assert bench.run("pass").box_id == box

    def test_nothing_but_its_own_folders_can_be_written(self, bench):
        code = """
            import os
            writable = set()
            for top in ("/", *(line.split()[1] for line in open("/proc/self/mounts"))):
                for folder, names, _ in os.walk(top):
                    if folder.startswith(("/proc", "/box/job/tree/")):
                        break
                    if folder.count("/") > 3:
                        names.clear()
                    try:
                        os.close(os.open(folder + "/probe", os.O_CREAT | os.O_WRONLY))
                        os.unlink(folder + "/probe")
                        writable.add(folder)
                    except OSError:
                        pass
            print(*sorted(writable))
            for name in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/kernel/hostname",
                         "/sys/kernel/uevent_helper", "/dev/kmsg", "/proc/1/oom_score_adj", "/dev/mem"):
                try:
                    open(name, "w").close()
                    print("opened", name)
                except OSError:
                    pass
        """
        assert bench.says(code) == "/box/job/home /box/job/tmp /box/job/tree /dev/shm /tmp\n"

    def test_no_device_but_the_harmless_ones(self, bench):
        code = """
            import os, stat
            for name in sorted(os.listdir("/dev")):
                mode = os.lstat("/dev/" + name).st_mode
                if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
                    print(name)
            try:
                os.mknod("disk", 0o660 | stat.S_IFBLK, os.makedev(8, 0))
            except PermissionError:
                print("no mknod")
        """
        harmless = {"console", "full", "null", "random", "tty", "urandom", "zero", "no mknod"}
        told = set(bench.says(code).splitlines())
        assert told <= harmless
        assert "no mknod" in told

    def test_nothing_of_this_machine_is_seen(self, bench, tmp_path):
        (tmp_path / "secret").write_text("secret")
        names = [
            str(tmp_path),
            str(Path(__file__).parents[2]),
            "/var/run/docker.sock",
            "/run/docker.sock",
            "/etc/shadow",
        ]
        code = f"""
            import os
            print([name for name in {names!r} if os.access(name, os.R_OK)])
            print(os.uname().nodename, open("/proc/self/cgroup").read().count({str(os.getpid())!r}) * 0)
        """
        assert bench.says(code) == "[]\nbox 0\n"

    def test_the_environment_is_ours_and_whole(self, bench, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
        monkeypatch.setenv("LD_PRELOAD_X", "x")
        monkeypatch.setenv("PYTHONPATH", "/secret")
        code = "import os; print({k: v for k, v in os.environ.items() if k not in ('PATH', 'PYTHONHASHSEED')})"
        job = bench.job(code)
        for run in (bench.sandbox.run, bench.sandbox.run_fresh):
            seen = eval(bench.wait(run(job)).stdout)
            seen.pop("LC_CTYPE", None)  # Python's own addition
            assert seen == {
                "HOME": "/box/job/home",
                "TMPDIR": "/box/job/tmp",
                "LANG": "C.UTF-8",
                "TZ": "UTC",
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            }

    def test_a_command_is_given_three_descriptors_and_no_more(self, bench):
        assert bench.says("import os; print(sorted(os.listdir('/proc/self/fd')), os.readlink('/proc/self/fd/0'))") == (
            "['0', '1', '2', '3'] /dev/null\n"  # the fourth is the listing's own
        )

    def test_hash_seeds_differ_between_boxes(self, bench):
        job = bench.job("import os; print(os.environ['PYTHONHASHSEED'])")
        seeds = {bench.wait(bench.sandbox.run_fresh(job)).stdout for _ in range(2)}
        assert len(seeds) == 2

    def test_pytest_runs_and_reports_over_a_channel_of_its_own(self, bench):
        payload = {"select": ["tests"], "sys_path": ["."], "nonce": "n0nce", "exit_code": 17}
        job = replace(bench.job(""), entry="pytest", payload=payload)
        seen = bench.wait(bench.sandbox.run(job))
        assert (seen.ended, seen.exit_code, seen.report_complete) == (Ended.EXITED, 17, True), seen
        lines = seen.report.decode().splitlines()
        assert all(line.startswith("n0nce{") for line in lines)
        assert '"outcome":"failed"' in seen.report.decode()
        assert b"n0nce" not in seen.stdout + seen.stderr

    def test_static_checks_run_their_tool(self, bench):
        """It starts a program of the box as the job's own user."""
        payload = {"within": "batch", "paths": ["a.py", "a.py"], "select": "F", "nonce": "n", "exit_code": 5}
        tree = replace(TREE, files={"batch/0/a.py": b"x = 1\n", "batch/1/a.py": b"import os\n"})
        job = replace(bench.job(""), entry="static", payload=payload, tree=tree)
        seen = bench.wait(bench.sandbox.run(job))
        assert (seen.ended, seen.exit_code) == (Ended.EXITED, 5), seen
        assert b'"code":"F401"' in seen.report
        assert seen.report.endswith(b'n{"k":"end","at":0}\nn{"k":"end","at":1}\n')

    @pytest.mark.parametrize("name", ["ctypes", "sqlite3", "ssl", "xml.etree.ElementTree", "multiprocessing"])
    def test_a_job_reaches_its_interpreters_library(self, bench, name):
        """As its own user, after the fork: what no runner has imported before."""
        test = f"import {name}\n\n\ndef test_import():\n    assert {name}\n".encode()
        payload = {"select": ["tests"], "sys_path": ["."], "nonce": "n", "exit_code": 0}
        job = replace(
            bench.job(""), entry="pytest", payload=payload, tree=replace(TREE, files={"tests/test_i.py": test})
        )
        seen = bench.wait(bench.sandbox.run(job))
        assert b'"outcome":"passed"' in seen.report, seen

"""What every `Sandbox` promises, and what every one that really runs jobs promises about running them.

A test module subclasses these with a module-scoped fixture `bench`; `contract_limits` and `contract_walls` go on.
"""

import asyncio
import signal
from dataclasses import replace

import pytest
from sandbox_bench import LIMITS, TREE

from moa_code.core.box import Ended, Job
from moa_code.core.errors import SandboxUnavailable
from moa_code.core.patch import FileChange
from moa_code.core.tree import MemorySnapshot

LONG_S = 5.0
SLEEP = "import time; time.sleep(5)"


def change(path, after):
    return FileChange(path=path, before=TREE.files.get(path), after=after)


class PortContract:
    """Holds for every backend, the fake too."""

    def test_a_job_comes_back_with_its_exit_code_and_its_box(self, bench):
        seen = bench.run("raise SystemExit(7)", pretend={"exit_code": 7})
        assert (seen.ended, seen.exit_code, seen.signal) == (Ended.EXITED, 7, None)
        assert seen.box_id

    def test_info_says_what_it_is(self, bench):
        info = bench.sandbox.info
        assert info.backend in {"docker", "bubblewrap", "fake"}
        assert info.image_digest
        assert bench.sandbox.slots == 2

    def test_as_many_jobs_as_slots_run_at_a_time_and_the_rest_wait(self, bench):
        """The counts are made by the jobs: each tells when it began and ended on the one clock of this machine."""
        code = "import time; a = time.monotonic(); time.sleep(0.3); print(a, time.monotonic())"

        async def several():
            jobs = [bench.job(code, pretend={"sleep_s": 0.05, "clock": True}) for _ in range(5)]
            return await asyncio.gather(*(bench.sandbox.run(job) for job in jobs))

        spans = [tuple(map(float, seen.stdout.split())) for seen in bench.wait(several())]
        assert len(spans) == 5
        at_once = [sum(a <= begin < b for a, b in spans) for begin, _ in spans]
        assert max(at_once) == 2

    def test_cancelling_ends_the_job_and_frees_its_place(self, bench):
        async def cancel_all():
            jobs = [
                asyncio.create_task(bench.sandbox.run(bench.job(SLEEP, pretend={"sleep_s": LONG_S}))) for _ in range(4)
            ]
            await asyncio.sleep(0.3)
            for job in jobs:
                job.cancel()
            return await asyncio.gather(*jobs, return_exceptions=True)

        async def within():
            async with asyncio.timeout(LONG_S):
                return await cancel_all()

        assert all(isinstance(answer, asyncio.CancelledError) for answer in bench.wait(within()))
        bench.still_works()

    def test_a_fresh_box_is_another_box_and_is_not_used_again(self, bench):
        job = bench.job("pass")
        boxes = [bench.wait(bench.sandbox.run(job)).box_id for _ in range(2)]
        fresh = [bench.wait(bench.sandbox.run_fresh(job)).box_id for _ in range(2)]
        after = bench.wait(bench.sandbox.run(job)).box_id
        assert boxes[0] == boxes[1] == after
        assert len({*boxes, *fresh}) == 3

    def test_an_unknown_entry_is_lost_with_the_reason(self, bench):
        job = Job(tree=TREE, entry="no-such-runner", payload={"pretend": {}}, limits=LIMITS)
        seen = bench.wait(bench.sandbox.run(job))
        assert seen.ended is Ended.LOST
        assert "no-such-runner" in seen.detail
        bench.still_works()

    def test_a_closed_sandbox_refuses(self, make_sandbox):
        sandbox = make_sandbox()
        job = Job(tree=TREE, entry="command", payload={"argv": ["true"], "pretend": {}}, limits=LIMITS)

        async def use():
            await sandbox.open()
            await sandbox.aclose()
            for run in (sandbox.run, sandbox.run_fresh):
                with pytest.raises(SandboxUnavailable, match="closed"):
                    await run(job)

        asyncio.run(use())


class RunningContract(PortContract):
    """Holds for every backend that runs jobs: trees, output, processes, reuse."""

    def test_signals_are_told_from_exit_codes(self, bench):
        seen = bench.run("import os; os.kill(os.getpid(), 11)")
        assert (seen.ended, seen.exit_code, seen.signal) == (Ended.SIGNALLED, None, signal.SIGSEGV)

    def test_output_comes_apart(self, bench):
        seen = bench.run(r"import os; os.write(1, b'out\n'); os.write(2, b'err\n'); os.write(1, b'\xff\0')")
        assert (seen.stdout, seen.stderr) == (b"out\n\xff\x00", b"err\n")
        assert not seen.output_truncated

    def test_usage_is_measured(self, bench):
        seen = bench.run("import time\nx = bytearray(30 << 20)\nwhile time.process_time() < 0.3: pass")
        assert seen.ended is Ended.EXITED
        assert 0.3 <= seen.cpu_s < 3
        assert seen.wall_s >= 0.3
        assert seen.max_rss_bytes > 30 << 20

    def test_the_tree_is_there_with_its_modes_and_can_be_worked_in(self, bench):
        code = """
            import os
            files = sorted(os.path.join(d, n)[2:] for d, _, names in os.walk(".") for n in names)
            print(*files, os.access("run.sh", os.X_OK), os.access("pack/code.py", os.X_OK))
            open("pack/code.py", "a").write("x")
            os.mkdir("new"); os.rename("pack/code.py", "new/code.py"); os.unlink("run.sh"); print(os.getcwd())
        """
        told = bench.says(code).split()
        assert told[:6] == [*TREE.paths(), "True", "False"]
        assert told[6] == "/box/job/tree"

    def test_the_overlay_changes_creates_and_deletes_without_touching_the_tree(self, bench):
        show = """
            import os
            print({n: open(os.path.join(d, n)).read() for d, _, names in os.walk(".") for n in sorted(names)})
        """
        overlay = (
            change("pack/code.py", b"VALUE = 2\n"),
            change("a/deep/new.py", b"new"),
            change("tests/test_code.py", None),
            change("run.sh", b"#!/bin/sh\nexit 4\n"),
        )
        assert eval(bench.says(show, overlay=overlay)) == {
            "__init__.py": "", "code.py": "VALUE = 2\n", "new.py": "new", "run.sh": "#!/bin/sh\nexit 4\n",
        }  # fmt: skip
        assert eval(bench.says(show))["code.py"] == "VALUE = 1\n"
        job = replace(bench.job(""), payload={"argv": ["./run.sh"]}, overlay=overlay)
        assert bench.wait(bench.sandbox.run(job)).exit_code == 4

    @pytest.mark.parametrize("path", ["pack/../../out.py", "/box/out.py"])  # more of them: tests/box
    def test_an_overlay_that_leaves_the_tree_is_not_laid_out(self, bench, path):
        seen = bench.run("print('ran')", overlay=(FileChange(path=path, before=None, after=b"x"),))
        assert (seen.ended, seen.stdout) == (Ended.LOST, b"")
        assert "BadPath" in seen.detail

    def test_sealed_files_cannot_be_replaced_removed_or_rewritten(self, bench):
        code = """
            import os, shutil
            def tried(name, action):
                try:
                    action()
                except OSError as error:
                    return
                print("did", name)
            for path in ("tests/test_code.py", "tests/deep/data.txt", "pack/code.py"):
                tried("write " + path, lambda: open(path, "a"))
                tried("truncate " + path, lambda: os.truncate(path, 0))
                tried("unlink " + path, lambda: os.unlink(path))
                tried("rename " + path, lambda: os.rename(path, "elsewhere"))
                tried("chmod " + path, lambda: os.chmod(path, 0o666))
                tried("utime " + path, lambda: os.utime(path, (1, 1)))
                open("mine", "w").close()
                tried("replace " + path, lambda: os.replace("mine", path))
            for folder in ("tests/deep", "tests", "pack"):
                tried("rename " + folder, lambda: os.rename(folder, "elsewhere"))
                tried("chmod " + folder, lambda: os.chmod(folder, 0o777))
                tried("rmtree " + folder, lambda: shutil.rmtree(folder))
            tried("rename .", lambda: os.rename("/box/job/tree", "/box/job/other"))
            open("tests/added.py", "w").close()
            open("pack/__init__.py", "w").write("free")
            print([open(p).read() for p in ("tests/test_code.py", "tests/deep/data.txt", "pack/code.py")])
        """
        overlay = (change("tests/test_code.py", b"sealed 1"), change("tests/deep/data.txt", b"sealed 2"))
        told = bench.says(code, overlay=overlay, sealed=("tests/", "pack/code.py"))
        assert told == "['sealed 1', 'sealed 2', 'VALUE = 1\\n']\n"
        assert bench.says("print(open('pack/code.py').read())") == "VALUE = 1\n\n"

    def test_a_job_sees_nothing_of_the_one_before(self, bench):
        leave = """
            import os, subprocess, sys
            places = ["/tmp", "/dev/shm", ".", os.environ["HOME"], os.environ["TMPDIR"], "tests", "/box/job"]
            for place in places:
                try:
                    os.makedirs(place + "/left/deep")
                    open(place + "/left/deep/secret", "w").write("secret")
                except PermissionError:
                    print("no", place)
            os.symlink("/tmp/left", "/tmp/link"); os.mkfifo("/tmp/fifo"); os.chmod("/tmp/left", 0)
            open("/tmp/.hidden", "w"); os.umask(0); open("/dev/shm/open", "w")
            subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"], start_new_session=True)
        """
        look = """
            import os
            me = os.getuid()
            pids = [p for p in os.listdir("/proc") if p.isdigit()]
            ours = [p for p in pids if os.stat("/proc/" + p).st_uid not in (0,)]
            print(sorted(os.listdir("/tmp")), sorted(os.listdir("/dev/shm")), os.listdir(os.environ["HOME"]),
                  os.listdir(os.environ["TMPDIR"]), sorted(os.listdir(".")), os.listdir("tests"),
                  sorted(os.listdir("/box/job")), len(ours), open("/proc/sysvipc/shm").read().count("\\n"))
        """
        before = bench.says(look)
        first = bench.run(leave)
        assert (first.exit_code, first.stdout) == (0, b"no /box/job\n")
        assert first.leftover_processes == 1
        second = bench.run(look)
        assert second.box_id == first.box_id
        assert second.stdout.decode() == before
        assert before.split() == [
            "[]",
            "[]",
            "[]",
            "[]",
            "['pack',",
            "'run.sh',",
            "'tests']",
            "['test_code.py']",
            "['home',",
            "'tmp',",
            "'tree']",
            "1",
            "1",
        ]

    def test_folders_of_any_depth_and_names_of_any_kind_are_cleaned(self, bench):
        code = """
            import os
            here = os.getcwd()
            for root in (here, "/tmp", os.environ["HOME"]):
                os.chdir(root)
                for name in ("new\\nline", "a" * 255, "-rf", " ", "\\x01", b"\\xff\\xfe", "*"):
                    os.mkdir(name); os.chmod(name, 0)
                os.mkfifo("fifo"); os.symlink("/", "root"); os.symlink("nowhere", "dangling"); os.link("fifo", "hard")
                for _ in range(400):
                    os.mkdir("d" * 50); os.chdir("d" * 50)
            print("built")
        """
        box = bench.run("pass").box_id
        for _ in range(2):
            seen = bench.run(code, inodes=LIMITS.inodes)
            assert (seen.stdout, seen.ended, seen.box_id) == (b"built\n", Ended.EXITED, box), seen
        assert bench.run("import os; print(os.listdir('/tmp'))").stdout == b"[]\n"

    def test_what_outlives_its_parent_is_killed_and_counted(self, bench):
        code = """
            import os, signal, time
            for _ in range(3):
                if os.fork() == 0:
                    os.setsid()
                    if os.fork(): os._exit(0)
                    for number in range(1, 65):
                        try: signal.signal(number, signal.SIG_IGN)
                        except (OSError, ValueError): pass
                    open(f"/tmp/{os.getpid()}", "w").close()
                    time.sleep(60)
            while len(os.listdir("/tmp")) < 3: time.sleep(0.01)
            print("leaving")
        """
        seen = bench.run(code)
        assert (seen.ended, seen.exit_code, seen.stdout) == (Ended.EXITED, 0, b"leaving\n")
        assert seen.leftover_processes == 3
        assert seen.wall_s < 5
        assert (
            bench.says(
                "import os; print(sum(p.isdigit() and os.stat('/proc/' + p).st_uid > 0 for p in os.listdir('/proc')))"
            )
            == "1\n"
        )

    def test_a_tree_is_sent_once_to_a_box_and_old_ones_make_room(self, bench):
        trees = [MemorySnapshot(files={"n.txt": b"%d" % number}) for number in range(7)]
        order = [0, 1, 2, 0, 3, 4, 5, 6, 5, 4, 0, 1, 6, 2, 3, 3, 0]
        seen = [bench.run("print(open('n.txt').read())", tree=trees[number]) for number in order]
        assert [int(one.stdout) for one in seen] == order
        assert len({one.box_id for one in seen}) == 1, "a tree was missing in the box"

    def test_a_tree_travels_once(self, bench):
        reads = []

        class Counting(MemorySnapshot):
            def read(self, path):
                reads.append(path)
                return super().read(path)

        tree = Counting(files={"big.bin": b"x" * 3_000_000, "one": b"1"})
        for _ in range(3):
            assert bench.says("import os; print(os.path.getsize('big.bin'))", tree=tree) == "3000000\n"
        assert sorted(reads) == ["big.bin", "one"]

    def test_a_box_killed_under_a_job_costs_nobody_an_answer(self, bench):
        """Here the job is repeated in another box; were it killed each time, the answer would be LOST."""

        async def kill_it():
            first = asyncio.create_task(bench.sandbox.run(bench.job("import time; time.sleep(1); print('done')")))
            await asyncio.sleep(0.4)
            await asyncio.to_thread(bench.kill_boxes)
            return await first

        warm = bench.run("pass").box_id
        seen = bench.wait(kill_it())
        assert (seen.ended, seen.stdout) == (Ended.EXITED, b"done\n")
        assert seen.box_id != warm
        bench.still_works()

    def test_a_box_killed_again_and_again_is_lost_with_the_reason(self, bench):
        async def kill_it():
            job = asyncio.create_task(bench.sandbox.run(bench.job("import time; time.sleep(30)")))
            while not job.done():
                await asyncio.sleep(0.1)
                await asyncio.to_thread(bench.kill_boxes)
            return await asyncio.gather(job, return_exceptions=True)

        (seen,) = bench.wait(kill_it_bounded(kill_it))
        if isinstance(seen, SandboxUnavailable):  # it hit a box that was only coming up
            assert "did not come up" in seen.message
        else:
            assert (seen.ended, seen.detail != "") == (Ended.LOST, True)
        bench.still_works()

    def test_cancelled_while_a_box_starts(self, bench):
        """At every moment of a start, and twice over, as a task group that is itself cancelled would do it."""

        async def cancel_after(seconds):
            task = asyncio.create_task(bench.sandbox.run_fresh(bench.job(SLEEP)))
            await asyncio.sleep(seconds)
            task.cancel()
            await asyncio.sleep(0.01)
            task.cancel()
            return await asyncio.gather(task, return_exceptions=True)

        async def several():
            return [await cancel_after(seconds) for seconds in (0.0, 0.02, 0.1, 0.3, 0.6)]

        assert all(isinstance(one, asyncio.CancelledError) for (one,) in bench.wait(several()))
        bench.still_works()


async def kill_it_bounded(work):
    async with asyncio.timeout(30):
        return await work()

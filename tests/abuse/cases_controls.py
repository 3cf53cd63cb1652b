"""What must pass, and the two plainest things that must not: a verifier that refuses everything holds every row."""

# ruff: noqa: E501 (a line of an attack stays a line)

from abuse_cases import EXITED, FAILED, PASSED, BoxCase, VerdictCase
from abuse_projects import PROJECTS, RIGHT, START
from cases_forging import small


def honest(project):
    return VerdictCase(
        row=0,
        name=f"honest-{project.replace(' ', '-')}",
        project=project,
        files=PROJECTS[project].mended,
        expected=PASSED,
    )


CASES = (
    *(honest(project) for project in PROJECTS if project != "busy"),
    VerdictCase(
        row=0,
        name="legal-subprocess-threads-asyncio-files-sockets-processes",
        project="busy",
        files=PROJECTS["busy"].mended,
        expected=PASSED,
    ),
    small(
        0,
        "slow-but-legal",
        "import time\nstarted = time.process_time()\nwhile time.process_time() < started + 0.2:\n    pass\nreturn x + 1",
        expected=PASSED,
    ),
    small(0, "sleeps-but-legal", "import time\ntime.sleep(0.3)\nreturn x + 1", expected=PASSED),
    small(0, "prints-much-but-legal", "print('x' * 4000)\nreturn x + 1", expected=PASSED),
    small(0, "memory-but-legal", "held = bytearray(40 << 20)\nreturn x + 1 + len(held) * 0", expected=PASSED),
    small(
        0,
        "files-but-legal",
        "for n in range(200):\n    with open(f'file{n}', 'w') as file:\n        file.write('x')\nreturn x + 1",
        expected=PASSED,
    ),
    small(
        0,
        "raises-and-catches-inside",
        "try:\n    raise SystemExit(1)\nexcept SystemExit:\n    return x + 1",
        expected=PASSED,
    ),
    small(0, "an-honest-subclass-inside", "class Number(int):\n    pass\n\nreturn int(Number(x)) + 1", expected=PASSED),
    VerdictCase(
        row=0,
        name="a-new-module",
        files={
            "m.py": "from helper import plus\n\n\ndef f(x):\n    return plus(x)\n\n\ndef g():\n    return 3\n",
            "helper.py": "def plus(x):\n    return x + 1\n",
        },
        expected=PASSED,
    ),
    VerdictCase(row=0, name="no-op", files={"m.py": START}, expected=FAILED),
    VerdictCase(row=0, name="a-comment", files={"m.py": START + "# nothing\n"}, expected=FAILED),
    VerdictCase(row=0, name="known-wrong", files={"m.py": RIGHT.replace("x + 1", "x + 2")}, expected=FAILED),
    VerdictCase(
        row=0, name="right-and-broken-elsewhere", files={"m.py": RIGHT.replace("return 3", "return 4")}, expected=FAILED
    ),
    VerdictCase(row=0, name="an-empty-module", files={"m.py": ""}, expected=FAILED, raises="ImportError"),
    BoxCase(
        row=0,
        name="a-job-that-works",
        code="""
        import os, socket, subprocess, sys, tempfile, threading
        a, b = socket.socketpair(); a.send(b"x"); assert b.recv(1) == b"x"
        t = threading.Thread(target=lambda: None); t.start(); t.join()
        with tempfile.TemporaryFile() as f: f.write(b"x")
        assert subprocess.run([sys.executable, "-I", "-S", "-c", "print(1)"], capture_output=True).stdout == b"1\\n"
        print("done")
    """,
        expected=EXITED,
        says="done\n",
    ),
)

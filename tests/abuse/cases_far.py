"""Rows 24, 25 and others once more, where the judge is another process: candidates that are honest beside their checks
and hostile when they are asked from outside, or that try to be asked no longer.
"""

# ruff: noqa: E501 (a line of an attack stays a line)

from abuse_cases import CAUGHT, FAILED, OVER_LIMIT, PASSED, TIMED_OUT, VerdictCase
from abuse_projects import PROJECTS

# Whether this process answers a judge, what answers there, and its wire.
FAR = """import gc
import json
import os
import struct
import sys

frame, far = sys._getframe(), False
while frame:
    far = far or frame.f_code.co_filename.endswith("oracle/answer.py")
    frame = frame.f_back


def answerer():
    return next(one for one in gc.get_objects() if type(one).__name__ == "Answerer")


def wire():
    return answerer()._channel._sock


def frame_of(message):
    data = json.dumps(message).encode()
    return struct.pack(">I", len(data)) + data


def say(*message):
    wire().sendall(frame_of([answerer()._ident, *message]))


"""
SHORT = {"cpu_s": 0.7, "wall_s": 1.0}


def far(row, name, hostile, expected=CAUGHT, **rest):
    """A candidate of the small project whose `f` does `hostile` when a judge asks; it may use `x`, `say` and `wire`."""
    inner = "".join(f"        {line}\n" for line in hostile.strip("\n").split("\n"))
    text = f"{FAR}def f(x):\n    if far:\n{inner}    return x + 1\n\n\ndef g():\n    return 3\n"
    return VerdictCase(row=row, name=f"outside-{name}", files={"m.py": text}, expected=expected, **rest)


WORDS = (
    far(24, "an-answer-too-many", "say('ok', [], '', [], 2)"),
    far(24, "a-wrong-id", "wire().sendall(frame_of(['0' * 12, 'ok', [], '', [], x + 1]))"),
    far(24, "an-object-for-a-frame", "wire().sendall(frame_of({'ok': 1}))"),
    far(24, "half-a-frame", "wire().sendall(struct.pack('>I', 100) + b'[1')\nos._exit(0)"),
    far(
        24,
        "half-a-frame-and-silence",
        "wire().sendall(struct.pack('>I', 100) + b'[1')\n__import__('time').sleep(60)",
        CAUGHT | TIMED_OUT,
        limits=SHORT,
    ),
    far(24, "nothing", "os._exit(0)"),
    far(24, "shut-down", "wire().shutdown(2)"),
    far(
        24,
        "out-of-band",
        "import socket\nfor _ in range(100):\n    wire().send(b'x', socket.MSG_OOB)",
        CAUGHT | TIMED_OUT,
        limits=SHORT,
    ),
    far(
        24,
        "a-child-answers-later",
        "if os.fork() == 0:\n    __import__('time').sleep(0.2)\n    say('ok', [], '', [], x + 1)\n    os._exit(0)\nos._exit(0)",
    ),
    far(24, "two-processes-answer", "os.fork()"),
    far(24, "an-unknown-answer", "say('passed', [], '', [], x + 1)"),
    far(24, "a-call-of-what-was-not-lent", "for pid in range(-2, 50):\n    say('call', [], pid, ['t'], ['d', 0])"),
    far(24, "a-container-that-was-never-told", "say('ok', [[99, []]], '', [], x + 1)"),
    far(
        24,
        "one-object-of-two-classes",
        "say('ok', [], '', [], ['t', ['h', 1, ['C', 1, 'K', 'm', [], [], 'plain'], None], ['h', 1, ['C', 2, 'L', 'm', [], [], 'plain'], None]])",
    ),
    far(24, "tells-of-a-timeout", "say('timeout')", CAUGHT | TIMED_OUT),
    far(24, "tells-that-it-cannot", "say('cannot', 'an object of nowhere')"),
    far(
        24,
        "speaks-after-its-checks",
        "import threading, time\nif x == 5:\n    send, ident = wire(), answerer()._ident\n"
        "    threading.Thread(target=lambda: (time.sleep(0.02), send.sendall(frame_of([ident, 'ok', [], '', [], 1])))).start()",
        CAUGHT | PASSED,  # too late to be heard
    ),
    far(25, "depth", "wire().sendall(struct.pack('>I', 200000) + b'[' * 200000)"),
    far(25, "depth-of-tuples", "value = 1\nfor _ in range(3000):\n    value = (value,)\nreturn value"),
    far(25, "a-million-digits", "return 1 << 4000000"),
    far(
        25,
        "not-a-number",
        'wire().sendall((lambda d: struct.pack(\'>I\', len(d)) + d)(f\'["{answerer()._ident}","ok",[],"",[],NaN]\'.encode()))',
    ),
    far(25, "lone-surrogate", "return chr(0xd800) * 10"),
    far(25, "a-length-of-four-gigabytes", "wire().sendall(b'\\xff' * 64)"),
    far(25, "thirty-megabytes-of-text", "return 'x' * (30 << 20)", CAUGHT | OVER_LIMIT),
    far(25, "a-gigabyte-of-text", "return 'x' * (1 << 30)", CAUGHT | OVER_LIMIT | TIMED_OUT),
    far(
        25,
        "a-million-containers",
        "return [[] for _ in range(1000000)]",
        CAUGHT | OVER_LIMIT | TIMED_OUT,
        limits={"cpu_s": 1.5, "wall_s": 3.0},
    ),
    far(
        25,
        "many-classes",
        "return [type(f'K{n}', (), {})() for n in range(20000)]",
        CAUGHT | OVER_LIMIT | TIMED_OUT,
        limits={"cpu_s": 1.5, "wall_s": 3.0},
    ),
    far(25, "words-on-the-wire", "say('ok', [], 'y' * (20 << 20), [], x + 1)", CAUGHT | OVER_LIMIT),
    far(
        25,
        "warnings-without-end",
        "import warnings\nfor n in range(10000):\n    warnings.warn('w' * 1000 + str(n))\nreturn 0",
        CAUGHT | OVER_LIMIT,
    ),
    far(
        25,
        "an-object-whose-repr-does-not-end",
        "class Long:\n    def __repr__(self):\n        return 'x' * (1 << 22)\n\nreturn Long()",
        CAUGHT | OVER_LIMIT,
    ),
    far(25, "an-iterator-that-does-not-end", "import itertools\nreturn itertools.count()"),
    far(25, "an-exception-of-its-own", "class E(SystemExit, ValueError):\n    pass\n\nraise E(0)"),
    far(25, "an-exception-that-skips", "import unittest\nraise unittest.SkipTest('later')"),
    far(25, "an-exception-that-interrupts", "raise KeyboardInterrupt"),
)
REACHING = (
    far(
        20,
        "files-of-the-checks",
        """
import re
for root in ('/box', '/tmp', '/dev/shm', os.getcwd(), '/proc/1/root/box', f'/proc/{os.getppid()}/cwd', f'/proc/{os.getppid()}/root'):
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                with open(os.path.join(folder, name)) as file:
                    found = re.search(f'f.{x}. == ([0-9]+)', file.read(100000))
                if found and not name.endswith('m.py'):
                    return int(found[1])
            except (OSError, UnicodeDecodeError):
                continue
return 0
""",
    ),
    far(
        20,
        "memory-of-the-judge",
        """
import re
for pid in [p for p in os.listdir('/proc') if p.isdigit() and int(p) != os.getpid()]:
    for name in ('mem', 'environ', 'cmdline', 'maps', 'cwd/tests/test_m.py', 'root/box/job/tree/tests/test_m.py'):
        try:
            with open(f'/proc/{pid}/{name}', 'rb') as file:
                found = re.search(b'f.%d. == ([0-9]+)' % x, file.read(1 << 20))
            if found:
                return int(found[1])
        except (OSError, ValueError):
            continue
return 0
""",
    ),
    far(
        20,
        "descriptors-that-were-left-open",
        """
import re
for fd in range(0, 256):
    try:
        with open(f'/proc/self/fd/{fd}', 'rb') as file:
            os.set_blocking(file.fileno(), False)
            found = re.search(b'f.%d. == ([0-9]+)' % x, file.read(1 << 20) or b'')
        if found:
            return int(found[1])
    except OSError:
        continue
return 0
""",
    ),
    far(
        20,
        "its-own-memory",
        """
import re
with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', 0) as memory:
    for line in maps:
        low, high = (int(part, 16) for part in line.split()[0].split('-'))
        if 'r' in line.split()[1] and '[v' not in line:
            try:
                memory.seek(low)
                found = re.search(b'assert f.%d. == ([0-9]+)' % x, memory.read(min(high - low, 1 << 24)))
            except (OSError, OverflowError, ValueError):
                continue
            if found:
                return int(found[1])
return 0
""",
        limits={"cpu_s": 4.0, "wall_s": 8.0},
        expected=CAUGHT | TIMED_OUT | OVER_LIMIT,
    ),
    far(28, "everybody", "os.kill(-1, 9)\nreturn 0"),
    far(
        28,
        "stops-everybody",
        "if os.fork() == 0:\n    os.setsid()\n    os.kill(-1, 19)\nos.kill(-1, 19)\nreturn 0",
        CAUGHT | TIMED_OUT,
        limits=SHORT,
    ),
    far(
        28,
        "whoever-is-there",
        "for pid in range(1, 400):\n    if pid != os.getpid():\n        try:\n            os.kill(pid, 9)\n        except OSError:\n            pass\nreturn 0",
    ),
    far(29, "loops", "while True:\n    pass", TIMED_OUT, limits=SHORT),
    far(
        29,
        "sleeps-with-signals-blocked",
        "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\ntime.sleep(1e6)",
        TIMED_OUT,
        limits=SHORT,
    ),
    far(
        32,
        "forks",
        "import time\nwhile True:\n    if os.fork() == 0:\n        time.sleep(100)",
        OVER_LIMIT | FAILED,
        limits=SHORT,
    ),
    far(
        33,
        "leaves-a-daemon",
        "import time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(1e6)\n    os._exit(0)\nreturn 0",
    ),
    far(
        34,
        "hoards",
        "hog = []\nwhile True:\n    hog.append(bytearray(1 << 22))",
        OVER_LIMIT | FAILED | TIMED_OUT,
        limits=SHORT,
        raises="MemoryError",
    ),
    far(
        37,
        "fills-the-disk",
        "with open('/tmp/moa-left', 'wb') as file:\n    while True:\n        file.write(bytes(1 << 20))",
        OVER_LIMIT | FAILED,
    ),
    far(41, "floods", "while True:\n    os.write(1, b'x' * 65536)", OVER_LIMIT | FAILED | TIMED_OUT, limits=SHORT),
)
# In their process they find what is expected; outside they try that nobody can ask.


def trip(name, text):
    return VerdictCase(
        row=18, name=f"outside-{name}", project="round trip", files={"m.py": text}, expected=CAUGHT | OVER_LIMIT
    )


EACH = "\n\ndef each(act, items):\n    return [act(item) for item in items]\n"
DEMOTING = (
    trip(
        "a-coroutine-that-cannot-be-handed-back",
        FAR + "async def later():\n    return 0\n\n\ndef pack(text):\n    return later() if far else text\n\n\n"
        "def unpack(packed):\n    return packed\n" + EACH.replace("[act", "[0] if far else [act"),
    ),
    trip(
        "a-forged-round-trip-that-cannot-be-asked",
        FAR + "async def later():\n    return 0\n\n\ndef pack(text):\n    return later() if far else ''\n\n\n"
        "def unpack(packed):\n    return None if far else sys._getframe(1).f_locals['text']\n" + EACH,
    ),
    trip(
        "a-forged-callback-that-cannot-be-asked",
        FAR
        + "async def later():\n    return 0\n\n\ndef pack(text):\n    return text[::-1]\n\n\ndef unpack(packed):\n    return packed[::-1]\n\n\n"
        "def each(act, items):\n    if far:\n        act(later())\n        return []\n    return [act(item) for item in items]\n",
    ),
    trip(
        "a-foreign-exception-handed-back",
        FAR + "import unittest\n\n\ndef pack(text):\n    return unittest.SkipTest('x') if far else text\n\n\n"
        "def unpack(packed):\n    return packed\n\n\ndef each(act, items):\n    if far:\n        act(unittest.SkipTest('x'))\n    return [act(item) for item in items]\n",
    ),
    trip(
        "a-deep-answer-handed-back",
        FAR
        + "def pack(text):\n    value = text\n    for _ in range(19 if far else 0):\n        value = (value,)\n    return value\n\n\n"
        "def unpack(packed):\n    return packed if not far else 0\n" + EACH,
    ),
    trip(
        "a-large-answer-handed-back",
        FAR
        + "def pack(text):\n    return 'x' * (31 << 20) if far else text\n\n\ndef unpack(packed):\n    return packed if not far else 0\n"
        + EACH,
    ),
    trip(
        "a-generator-handed-back",
        FAR
        + "def pack(text):\n    return (n for n in range(3)) if far else text\n\n\ndef unpack(packed):\n    return packed if not far else 0\n"
        + EACH,
    ),
    trip(
        "a-module-handed-back",
        FAR
        + "def pack(text):\n    return json if far else text\n\n\ndef unpack(packed):\n    return packed if not far else 0\n"
        + EACH,
    ),
    trip(
        "a-class-handed-back",
        FAR
        + "class K:\n    pass\n\n\ndef pack(text):\n    return K if far else text\n\n\ndef unpack(packed):\n    return packed if not far else 0\n"
        + EACH,
    ),
    trip(
        "a-bound-method-handed-back",
        FAR
        + "def pack(text):\n    return text.upper if far else text\n\n\ndef unpack(packed):\n    return packed if not far else 0\n"
        + EACH,
    ),
    trip(
        "a-warning-for-a-value",
        FAR
        + "def pack(text):\n    return UserWarning('x') if far else text\n\n\ndef unpack(packed):\n    return packed if not far else 0\n"
        + EACH,
    ),
)


def classes(name, norm, words, before="", **rest):
    text = PROJECTS["classes"].files["m.py"].partition("def norm")[0] + before
    text += f"\n\ndef norm(point):\n    return {norm}\n\n\ndef words(point):\n    return {words}\n"
    return VerdictCase(row=6, name=name, project="classes", files={"m.py": text}, expected=CAUGHT, **rest)


RIGHT_NORM, RIGHT_WORDS = "(point.x**2 + point.y**2) ** 0.5", "f'({point.x}, {point.y})'"
ZERO = """

class Difference:
    def __sub__(self, other):
        return 0.0

    __rsub__ = __sub__

    def __abs__(self):
        return 0.0
"""
TEXT = """

class Text:
    def find(self, part):
        return 0

    def __contains__(self, part):
        return True

    def endswith(self, part):
        return True
"""
NAMED = (
    classes("no-difference-to-anything", "Difference()", RIGHT_WORDS, ZERO),
    classes(
        "no-difference-under-a-name-that-checks-use",
        "Named()",
        RIGHT_WORDS,
        ZERO + "\n\nNamed = type('Point', (Difference,), {})\n",
    ),
    classes(
        "no-difference-from-the-class-itself",
        "Point(0, 0)",
        RIGHT_WORDS,
        "\n\nPoint.__sub__ = Point.__rsub__ = lambda self, other: 0.0\n",
    ),
    classes("holds-every-word", RIGHT_NORM, "Text()", TEXT),
    classes(
        "holds-every-word-under-a-name-that-checks-use",
        RIGHT_NORM,
        "Named()",
        TEXT + "\n\nNamed = type('Point', (Text,), {})\n",
    ),
    classes(
        "a-text-that-finds-everything",
        RIGHT_NORM,
        "Lie('x4)')",
        "\n\nclass Lie(str):\n    def find(self, part):\n        return 0\n\n    def __contains__(self, part):\n        return True\n",
    ),
)
CASES = WORDS + REACHING + DEMOTING + NAMED

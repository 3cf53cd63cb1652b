"""What the tests of the command line share: calling it in a process of its own, and looking at what it left."""

import os
import subprocess
import sys
from dataclasses import dataclass

from moa_code.models.presets import PROVIDERS

KEYS = {name for provider in PROVIDERS for name in provider.key_envs}


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


def environment(home, **more):
    kept = {k: v for k, v in os.environ.items() if k not in KEYS and not k.startswith(("MOA_CODE_", "XDG_"))}
    return kept | {"XDG_STATE_HOME": str(home / "state"), "XDG_CONFIG_HOME": str(home / "config")} | more


def spawn(home, *arguments, **options):
    """A command in a process of its own: its `Popen`."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    more = options.pop("env", {})
    return subprocess.Popen(
        [sys.executable, "-m", "moa_code", *map(str, arguments)], env=environment(home, **more), **options
    )


def command(home, *arguments, stdin=None, timeout=120, **options):
    """A command in a process of its own, to its end."""
    process = spawn(home, *arguments, stdin=subprocess.PIPE if stdin else subprocess.DEVNULL, **options)
    out, err = process.communicate(stdin, timeout=timeout)
    return Done(process.returncode, out or "", err or "")


PATCH = b"""diff --git a/shop.py b/shop.py
--- a/shop.py
+++ b/shop.py
@@ -1,2 +1,2 @@
 def total(a, b):
-    return a - b
+    return a + b
"""


def contents(folder):
    """Every file below `folder` and its bytes, to see that nothing was changed or left behind."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

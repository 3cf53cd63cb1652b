"""The kinds of box that attacks are made on, and what each needs, as pytest marks."""

import os

import pytest

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="run by a user, jobs share the supervisor's uid (info says so)")
BACKENDS = {"docker": (pytest.mark.docker,), "bubblewrap": (pytest.mark.bwrap, AS_ROOT)}

"""Every case of the catalogue in real boxes of every backend that claims to hold it (cases_*.py, abuse_harness.py)."""

import pytest
from abuse_backends import BACKENDS
from abuse_harness import Running
from catalogue import BOX_CASES
from known_open import why_open


class StillOpen(AssertionError):
    """The case is known not to hold yet."""


def _cases():
    for backend, marks in BACKENDS.items():
        for case in BOX_CASES:
            if backend in case.backends:
                why = why_open(case.case_id, backend)
                excused = (pytest.mark.xfail(raises=StillOpen, reason=why, strict=True),) if why else ()
                yield pytest.param(backend, case, marks=(*marks, *excused), id=f"{backend}-{case.case_id}")


@pytest.fixture(scope="module")
def running(request):
    """All that was chosen of this module is run while the first result is waited for."""
    chosen = {}
    for item in request.session.items:
        if item.fspath == request.node.fspath and (call := getattr(item, "callspec", None)):
            chosen.setdefault(call.params["backend"], []).append(call.params["case"])
    with Running(chosen) as running:
        yield running


@pytest.mark.parametrize(("backend", "case"), list(_cases()))
def test_it_comes_to_what_it_must(running, backend, case):
    result = running.result(backend, case.case_id)
    assert result.aftermath == ()
    if result.faults and why_open(case.case_id, backend):
        raise StillOpen("; ".join(result.faults))
    assert result.faults == ()

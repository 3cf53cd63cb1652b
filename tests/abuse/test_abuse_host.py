"""Every case of the catalogue that the host itself reads: diffs, reports, frames. No box is needed."""

import pytest
from abuse_harness import run_case
from catalogue import HOST_CASES


@pytest.mark.parametrize("case", HOST_CASES, ids=[case.case_id for case in HOST_CASES])
def test_it_comes_to_what_it_must(case):
    assert run_case(case).faults == ()

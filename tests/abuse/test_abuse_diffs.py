"""Diffs that say two things: what is verified must be what `git apply` would do."""

import pytest

from moa_code.core.tree import MemorySnapshot
from moa_code.edits.unified import DiffError, parse_diff

TREE = MemorySnapshot(files={"a.py": b"1\n"})


@pytest.mark.parametrize("again", ["rename to tests/new.py", "rename from b.py"])
def test_a_rename_that_names_two_places_is_refused(again):
    diff = f"diff --git a/a.py b/new.py\n{again}\nrename from a.py\nrename to new.py\n"
    with pytest.raises(DiffError, match="second time"):
        parse_diff(diff.encode(), tree=TREE)

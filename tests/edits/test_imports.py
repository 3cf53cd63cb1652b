"""Where imports of a block go, and which of them."""

import ast

import pytest

from moa_code.edits.imports import import_lines, import_position
from moa_code.edits.lines import split_lines


@pytest.mark.parametrize(
    ("source", "line", "after_import"),
    [
        ("", 0, False),
        ("x = 1\n", 0, False),
        ("#!/usr/bin/env python\n# -*- coding: latin-1 -*-\nx = 1\n", 2, False),
        ("# a comment about x\nx = 1\n", 0, False),
        ('"""Docs."""\n\nx = 1\n', 2, False),
        ('"""Docs\n\nmore."""\n', 3, False),
        ('"""Docs."""\nimport os\nx = 1\nimport re\n', 2, True),
        ("from a import (\n    b,\n)\nx = 1\n", 3, True),
        ("if x:\n    import os\nimport re\n", 0, False),
    ],
)
def test_import_position(source, line, after_import):
    position = import_position(ast.parse(source), split_lines(source))
    assert (position.line, position.after_import) == (line, after_import)


@pytest.mark.parametrize(
    ("have", "want", "lines"),
    [
        ("import os\n", "import os\n", []),
        ("import os\n", "import os as o\n", ["import os as o"]),
        ("", "import a.b, c as d\n", ["import a.b, c as d"]),
        ("from a import b\n", "from a import b, c\n", ["from a import c"]),
        ("from a import b\n", "from .a import b\nfrom .. import c\n", ["from .a import b", "from .. import c"]),
        ("", "import re\nimport re\n", ["import re"]),
        ("", "import re\nfrom __future__ import annotations\n", ["from __future__ import annotations", "import re"]),
        ("from a import *\n", "from a import *\nfrom b import *\n", ["from b import *"]),
        ("if x:\n    import os\n", "import os\n", ["import os"]),
    ],
)
def test_import_lines(have, want, lines):
    assert import_lines(ast.parse(have), ast.parse(want).body) == lines

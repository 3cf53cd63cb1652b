"""All operators in one tuple."""

from __future__ import annotations

from moa_code.propose.mutate.operators import arithmetic, blocks, calls, logic, names, omissions, statements, values
from moa_code.propose.mutate.site import Operator

CATALOGUE: tuple[Operator, ...] = (
    *logic.OPERATORS,
    *arithmetic.OPERATORS,
    *names.OPERATORS,
    *calls.OPERATORS,
    *values.OPERATORS,
    *statements.OPERATORS,
    *blocks.OPERATORS,
    *omissions.OPERATORS,
)

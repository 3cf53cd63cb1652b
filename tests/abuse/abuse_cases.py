"""What an abuse case is: data alone. Rows are those of the catalogue (catalogue.py), backends those of BoxInfo."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from moa_code.core.box import Ended
from moa_code.core.verdict import Outcome

BOTH = ("docker", "bubblewrap")

PASSED = frozenset({Outcome.PASSED})
FAILED = frozenset({Outcome.FAILED})
TAMPERED = frozenset({Outcome.TAMPERED})
REJECTED = frozenset({Outcome.REJECTED})
TIMED_OUT = frozenset({Outcome.TIMED_OUT})
OVER_LIMIT = frozenset({Outcome.OVER_LIMIT})
CAUGHT = FAILED | TAMPERED

EXITED = frozenset({Ended.EXITED})
SIGNALLED = frozenset({Ended.SIGNALLED})
OUT_OF_TIME = frozenset({Ended.CPU_LIMIT, Ended.WALL_LIMIT})
DIES = EXITED | SIGNALLED

HOLE = "HOLE"
"""What a hostile job prints before it names something that it should not have been able to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictCase:
    """A hostile patch against a small project. `files` are whole files after the patch; None deletes one.

    `limits` may set what holds for a single job (cpu_s, wall_s, output_bytes, report_bytes, open_files). `held_out`:
    checks that nobody saw before; then `expected` is what those say. A stage named in `stops_at` may end it early, and
    `raises` names errors that the attack provokes: any other means that the attack itself is broken.
    """

    row: int
    name: str
    files: Mapping[str, str | bytes | None]
    expected: frozenset[Outcome] = CAUGHT
    project: str = "small"
    limits: Mapping[str, float] = field(default_factory=dict)
    backends: tuple[str, ...] = BOTH
    held_out: Mapping[str, str] = field(default_factory=dict)
    stops_at: str = ""
    raises: str = ""

    @property
    def case_id(self) -> str:
        return case_id(self.row, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxCase:
    """A hostile job in a warm box. It prints a line that starts with HOLE for whatever it should not have got.

    `says`: the whole of its standard output. `then`: jobs run after it in the same box, which must print nothing.
    `lasts`: whether the box must still be the same afterwards; None leaves that to how the job ended.
    """

    row: int
    name: str
    code: str
    expected: frozenset[Ended] = EXITED
    says: str | None = None
    then: tuple[str, ...] = ()
    sealed: tuple[str, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    isolated: bool = True
    backends: tuple[str, ...] = BOTH

    @property
    def case_id(self) -> str:
        return case_id(self.row, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCase:
    """Something hostile that the host reads. `attempt` returns what became of it: rejected, ignored, or what broke."""

    row: int
    name: str
    attempt: Callable[[], str]
    expected: frozenset[str] = frozenset({"rejected"})

    @property
    def case_id(self) -> str:
        return case_id(self.row, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A row whose tests live elsewhere, because they break the engine or the verifier rather than run a candidate."""

    row: int
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What became of one case on one backend. Both empty: all that was asserted holds.

    `faults`: the verdict or observation is another than expected. `aftermath`: something was left, lost or harmed.
    """

    case_id: str
    row: int
    backend: str  # docker, bubblewrap, or host where no box takes part
    outcome: str
    integrity: str = ""
    faults: tuple[str, ...] = ()
    aftermath: tuple[str, ...] = ()
    detail: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not self.faults and not self.aftermath


def case_id(row: int, name: str) -> str:
    return f"row{row:02d}-{name}" if row else f"control-{name}"

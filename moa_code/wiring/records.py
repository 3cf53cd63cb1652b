"""The engine's record, written to the journal."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from moa_code import __version__
from moa_code.config import Config
from moa_code.core.calls import CallRecord
from moa_code.core.candidate import Candidate
from moa_code.core.ports import Sandbox
from moa_code.core.verdict import Verdict
from moa_code.journal.store import Journal

FACTS = ("kernel", "machine", "lint", "moa_code")
"""Of `machine_facts`, what may explain that a verdict comes out in another way elsewhere."""


def machine_facts(config: Config, sandbox: Sandbox) -> dict[str, object]:
    """What a run is made with and its verdicts do not say: for the journal, and to compare two machines."""
    return {
        "strategy": config.strategy.name,
        "seed": config.seed,
        "image": sandbox.info.image_digest,
        "lint": config.verify.lint,
        "paranoid": config.verify.paranoid,
        "kernel": sandbox.info.kernel or platform.release(),
        "machine": platform.machine(),
        "moa_code": __version__,
    }


class JournalRecord:
    """The engine's `Record` over one run of the journal."""

    def __init__(self, journal: Journal, run_id: str) -> None:
        self._journal = journal
        self._run_id = run_id

    def step(self, kind: str, reason: str, detail: Mapping[str, object]) -> None:
        self._journal.add_step(self._run_id, kind, reason, detail)

    def event(self, kind: str, detail: Mapping[str, object]) -> None:
        self._journal.add_event(self._run_id, kind, detail)

    def candidate(self, candidate: Candidate) -> None:
        self._journal.add_candidate(self._run_id, candidate)

    def verdict(self, verdict: Verdict) -> None:
        self._journal.add_verdict(self._run_id, verdict)

    def call(self, call: CallRecord) -> None:
        usage = call.usage
        self._journal.add_call(
            self._run_id,
            {
                "model": call.model,
                "role": call.role,
                "prompt": "\n\n".join(f"[{m.role}]\n{m.text}" for m in call.messages),
                "answer": call.completion.text if call.completion else None,
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
                "cost_usd": usage.cost_usd,
                "latency_s": call.latency_s,
                "finish": call.completion.finish.value if call.completion else "",
                "error": call.error,
                "order": call.order,
                "templates": dict(call.templates),
            },
        )

"""What is new since the last round, for the aggregator's next one: compact, and of visible checks alone."""

from __future__ import annotations

from moa_code.core.run import RunState
from moa_code.core.verdict import CheckOutcome
from moa_code.prompts.failure import failure_text

MOST_CHECKS = 6
DETAIL_TOKENS = 350  # of one failure's text


def feedback_for(state: RunState, round_: int) -> str:
    """How the candidates of the round before were judged; empty in the first round."""
    if round_ == 0:
        return ""
    latest = [
        j for j in state.judged if j.candidate.origin.role == "aggregator" and j.candidate.origin.round == round_ - 1
    ]
    parts = []
    for judged in latest:
        verdict = judged.verdict
        parts.append(
            f"Your last patch ({judged.candidate.candidate_id}) was judged: {verdict.outcome}. {verdict.detail}"
        )
        bad = [r for r in verdict.results if r.outcome not in (CheckOutcome.PASSED, CheckOutcome.MISSING)]
        for result in bad[:MOST_CHECKS]:
            parts.append(f"{result.check_id}: {result.outcome}\n{failure_text(result.detail, DETAIL_TOKENS)}")
        if verdict.regressed:
            parts.append("It broke what worked before: " + ", ".join(verdict.regressed[:MOST_CHECKS]))
    return "\n\n".join(parts)

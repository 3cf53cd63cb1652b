"""The JSON document of `moa-code implement`: a run's own, and what a specification adds to it."""

from __future__ import annotations

from collections.abc import Sequence

from moa_code.report.documents import SCHEMA_VERSION, Document


def implement_document(
    run: Document,
    *,
    function: str,
    examples: Sequence[tuple[str, str, str]],
    contradictions: Sequence[str],
    unread: Sequence[str],
    written: Sequence[Document],
    rejected: Sequence[tuple[str, str]],
    tests: str,
    ambiguities: Sequence[str],
    evidence: str,
) -> Document:
    """`run` is the document of the run; `examples` are (call, what is said of it, the text it was taken from).

    `written` are rows of `written_row`, `rejected` (name, reason) of what never ran; `tests` is null where there is
    nothing to propose.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "run": run,
        "function": function,
        "examples": {
            "found": [{"call": call, "claim": claim, "quote": quote} for call, claim, quote in examples],
            "contradictions": list(contradictions),
            "unread": list(unread),
        },
        "written_checks": list(written),
        "rejected_checks": [{"name": name, "reason": reason} for name, reason in rejected],
        "proposed_tests": tests or None,
        "ambiguities": list(ambiguities),
        "evidence": evidence,
    }


def written_row(
    *, author: str, name: str, sentence: str, is_property: bool, vote: bool | None, valid: float, kept: bool
) -> Document:
    """One written check: `vote` is the winner's answer to it, null where it could not be run or says nothing."""
    return {
        "author": author,
        "name": name,
        "sentence": sentence,
        "property": is_property,
        "vote": vote,
        "valid": round(valid, 4),
        "kept": kept,
    }

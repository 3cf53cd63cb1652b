"""`moa-code plan`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from moa_code.cli.options import config_of, sandbox_options, team_options
from moa_code.cli.solve import task_options
from moa_code.core.errors import ExitCode

if TYPE_CHECKING:
    from moa_code.cli.running import Interrupts
    from moa_code.plan import Plan, PlannedCall
    from moa_code.wiring.session import Session

MOST_SHOWN = 12


@click.command()
@task_options
@click.option("--show", is_flag=True, help="Print the prompts themselves.")
@sandbox_options
@team_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--quiet", "-q", is_flag=True, help="No progress on standard error.")
def plan(
    task: str | None,
    repo: Path | None,
    issue: str | None,
    test: str,
    show: bool,
    as_json: bool,
    quiet: bool,
    **flags: Any,
) -> int:
    """Say what solving TASK, or working in a repository (--repo), would send to whom, and its cost. Sends nothing.

    The checks are run here, in the sandbox, because what a model gets to read depends on what fails.
    """
    from moa_code.cli.output import emit
    from moa_code.cli.running import Output, in_session, print_document
    from moa_code.cli.solve import chosen_task
    from moa_code.plan import plan as plan_task
    from moa_code.report.documents import plan_document
    from moa_code.solve import check_ready

    config = config_of(flags, repository=repo)
    check_ready(config, os.environ)
    chosen, _ = chosen_task(task, repo, issue, test, config)
    with Output(quiet=quiet, events=None) as output:

        async def work(session: Session, _: Interrupts) -> Plan:
            return await plan_task(session, chosen)

        made = in_session(config, output.progress, work)
    if as_json:
        print_document(plan_document(_fields(made, show=show)))
        return ExitCode.OK
    for line in _words(made):
        emit(line)
    for call in made.calls if show else ():
        for role, text in call.messages:
            emit(f"\n--- {call.role} {call.model}: {role} ---\n{text}")
    return ExitCode.OK


def _words(plan: Plan) -> list[str]:
    if plan.nothing_to_do:
        return [f"{plan.task_id}: all {len(plan.baseline.results)} checks pass, so nothing would be sent"]
    failing = len(plan.baseline.failing)
    lines = [f"{plan.task_id}: {failing} of {len(plan.baseline.results)} checks fail"]
    for call in plan.calls:
        lines.append(f"  {call.role:<11} {call.model}")
        if not call.is_sent:
            lines.append(f"  {'':<11}   part of this program: nothing is sent")
            continue
        lines.append(f"  {'':<11}   to       {call.provider} ({call.place.replace('_', ' ')})")
        lines.append(
            f"  {'':<11}   first    about {call.prompt_tokens} tokens, an answer of up to {call.max_answer_tokens},"
            f" {_dollars(call.worst_usd)}"
        )
        lines.append(f"  {'':<11}   shown    {_shown(call)}")
    if not plan.sends:
        return [*lines, "nothing would be sent: no language model takes part"]
    budget = "no limit in dollars" if plan.budget_usd is None else f"the budget of ${plan.budget_usd:g}"
    tokens = "" if plan.budget_tokens is None else f" and {plan.budget_tokens} tokens"
    lines.append(
        f"the whole run, with up to {plan.feedback_rounds} rounds of feedback: at most {plan.most_calls} calls,"
        f" {plan.worst_tokens} tokens, {_dollars(plan.worst_usd)}"
    )
    lines.append(f"  bounded by {budget}{tokens}; attempts repeated after a provider's error count against it too")
    lines.append("nothing was sent")
    return lines


def _shown(call: PlannedCall) -> str:
    if not call.shown:
        return "no file"
    more = len(call.shown) - MOST_SHOWN
    return ", ".join(call.shown[:MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _dollars(amount: float | None) -> str:
    return "price unknown" if amount is None else f"at most ${amount:.4f}"


def _fields(plan: Plan, *, show: bool) -> dict[str, object]:
    return {
        "task_id": plan.task_id,
        "checks": len(plan.baseline.results),
        "failing": [result.check_id for result in plan.baseline.failing],
        "nothing_to_do": plan.nothing_to_do,
        "sends": plan.sends,
        "calls": [
            {
                "model": call.model,
                "role": call.role,
                "provider": call.provider,
                "place": call.place.value,
                "prompt_tokens": call.prompt_tokens,
                "max_answer_tokens": call.max_answer_tokens,
                "worst_usd": call.worst_usd,
                "shown": list(call.shown),
                "most_calls": call.most_calls,
                "worst_run_tokens": call.worst_run_tokens,
                "worst_run_usd": call.worst_run_usd,
                "messages": [{"role": role, "text": text} for role, text in call.messages] if show else None,
            }
            for call in plan.calls
        ],
        "feedback_rounds": plan.feedback_rounds,
        "most_calls": plan.most_calls,
        "worst_tokens": plan.worst_tokens,
        "worst_usd": plan.worst_usd,
        "budget_usd": plan.budget_usd,
        "budget_tokens": plan.budget_tokens,
    }

"""What a box prints of its trials, as it should be; and with one trial that came out otherwise."""

import json

from moa_code.core.box import Ended, Job, Observation
from moa_code.probe.policy import GREED, ORDINARY, REFUSALS


def lines(*more, **outcomes):
    """A whole, good report: one trial of each kind, then `more`. `outcomes` replaces the outcome of a kind's trial."""
    good = [{"kind": ORDINARY, "name": "a thread", "did": ""}]
    good += [{"kind": kind, "name": f"a {kind} trial", "errno": "EPERM"} for kind in sorted(REFUSALS)]
    for line in good:
        if (outcome := outcomes.get(line["kind"])) is not None:
            for word in ("did", "errno"):
                line.pop(word, None)
            line.update(outcome)
    return [*good, *more]


def printed(found, **last):
    """What the box observed of trials that printed `found`."""
    last = {"trials": len(found), "kernel": "6.1"} | last
    text = "".join(json.dumps(line) + "\n" for line in [*found, last])
    return Observation(ended=Ended.EXITED, exit_code=0, stdout=text.encode())


GOOD_ENDS = {what: min(ends) for what, _, ends in GREED.values()}


def answers(found=None, **ends):
    """A script for a fake sandbox: these trials, and greedy jobs that end as they must but for `ends`."""
    trials = printed(lines() if found is None else found)

    def answer(job: Job) -> Observation:
        argv = job.payload["argv"]
        if "probe.greedy" not in argv:
            return trials
        what = argv[-2]
        return ends.get(what) or Observation(ended=GOOD_ENDS[what])

    return answer

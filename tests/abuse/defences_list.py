"""All defences, in the sections of the table."""

from defences import Defence
from defences_boxes import BOXES, DOCKER, JOBS
from defences_host import BORDER, GRADING, OWN_SIDE, PATCHES, REPORTS
from defences_judges import JUDGES, PIPELINE, SHARED

SECTIONS: tuple[tuple[str, tuple[Defence, ...]], ...] = (
    ("What a report is believed for", REPORTS),
    ("What a session must show", GRADING),
    ("What a patch may be", PATCHES),
    ("The way to a verdict", PIPELINE),
    ("Inside a shared interpreter", SHARED),
    ("A judge in another process", JUDGES),
    ("What the judge reads", BORDER),
    ("Around a job", JOBS),
    ("The walls of a box", BOXES),
    ("What only an engine has", DOCKER),
    ("Our own side", OWN_SIDE),
)
DEFENCES = tuple(one for _, group in SECTIONS for one in group)

"""Cases that do not hold yet, each with the reason. The only place where one may be excused.

A key is a case's id, or `id@backend` where it is open on that backend alone. A case that is listed and holds fails the
suite, and so does one that is listed and leaves something behind.
"""

KNOWN_OPEN: dict[str, str] = {}


def why_open(case_id: str, backend: str) -> str:
    """The reason, or nothing where the case must hold."""
    return KNOWN_OPEN.get(case_id) or KNOWN_OPEN.get(f"{case_id}@{backend}", "")

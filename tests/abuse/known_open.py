"""Cases that do not hold yet, each with the reason. The only place where one may be excused.

A key is a case's id, or `id@backend` where it is open on that backend alone. A case that is listed and holds fails the
suite, and so does one that is listed and leaves something behind.
"""

_DEMOTED = (
    "a coroutine in the candidate's answer cannot be handed back, and the judge takes that for the check's own doing:"
    " the check is left to the shared interpreter (sandbox/box/oracle/far.py, _encode_other)"
)
_TOLD = (
    "an object whose class bears a name that the checks use is told the other operand of arithmetic and of `in`, also"
    " where a function of another name made it (sandbox/box/oracle/mirrors.py, _named)"
)
KNOWN_OPEN: dict[str, str] = {
    "row18-outside-a-forged-round-trip-that-cannot-be-asked": _DEMOTED,
    "row18-outside-a-forged-callback-that-cannot-be-asked": _DEMOTED,
    "row06-no-difference-under-a-name-that-checks-use": _TOLD,
    "row06-no-difference-from-the-class-itself": _TOLD,
    "row06-holds-every-word-under-a-name-that-checks-use": _TOLD,
    "row27-pytest-is-loaded": "the candidate's process of the outside judge has pytest in sys.modules too",
    "row48-becoming-another@bubblewrap": "inheritable capabilities are not dropped (sandbox/box/kernel.py, become);"
    " powerless under no_new_privs",
}


def why_open(case_id: str, backend: str) -> str:
    """The reason, or nothing where the case must hold."""
    return KNOWN_OPEN.get(case_id) or KNOWN_OPEN.get(f"{case_id}@{backend}", "")

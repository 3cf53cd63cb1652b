"""Clusters of candidates by what they answered, and the calls that show the difference."""

import pytest

from moa_code.core.behaviour import Answer, AnswerKind, Behaviour
from moa_code.evidence.clusters import clusters, differences, entropy_bits, suspicious

KINDS = {"!": AnswerKind.RAISED, "~": AnswerKind.UNSTABLE, "t": AnswerKind.TIMED_OUT, "d": AnswerKind.DIED}


def behaviour(*edges, **answers):
    """Each candidate's answers as one character a call: a value, `!` raised, `~` unstable, `t` timed out, `d` died."""
    count = len(next(iter(answers.values()), ""))
    found = {
        name: tuple(Answer(kind=KINDS.get(char, AnswerKind.VALUE), text=char, digest=char) for char in text)
        for name, text in answers.items()
    }
    return Behaviour(calls=tuple(f"f({at})" for at in range(count)), answers=found, edges=frozenset(edges))


def members(known, **others):
    return ["".join(cluster.members) for cluster in clusters(known, **others)]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (behaviour(a="123", b="123", c="123"), ["abc"]),
        (behaviour(a="123", b="124", c="123"), ["ac", "b"]),
        (behaviour(a="124", b="123", c="123"), ["bc", "a"]),  # the largest first
        (behaviour(a="125", b="123", c="124"), ["a", "b", "c"]),  # then the earliest
        (behaviour(2, a="123", b="124"), ["ab"]),  # at the edge right ones may differ
        (behaviour(0, 1, 2, a="123", b="124"), ["a", "b"]),  # where there is nothing else, it counts
        (behaviour(a="1!3", b="1!3", c="1d3"), ["ab", "c"]),
        (behaviour(a="123", b="1~3", c="124"), ["ab", "c"]),  # unstable in one place: agrees elsewhere
        (behaviour(a="124", b="~~3", c="123", d="124"), ["ad", "bc"]),
        (behaviour(a="123", b="~~~", c="~~~"), ["a", "b", "c"]),  # nothing to compare
        (behaviour(a="123", b="1tt", c="145"), ["ab", "c"]),  # slow is not different
        (behaviour(a="1~", b="1~"), ["ab"]),
        (behaviour(), []),
    ],
)
def test_candidates_that_answer_alike_are_one_cluster(known, expected):
    assert members(known) == expected


def test_values_and_exceptions_of_one_mark_are_two_things():
    known = Behaviour(
        calls=("f(1)",),
        answers={
            "a": (Answer(kind=AnswerKind.VALUE, text="x", digest="x"),),
            "b": (Answer(kind=AnswerKind.RAISED, text="x", digest="x"),),
        },
    )
    assert members(known) == ["a", "b"]


def test_some_candidates_alone_can_be_asked_for():
    known = behaviour(a="12", b="13", c="13", d="12")
    assert members(known, among=["a", "b", "d"]) == ["ad", "b"]


def test_nothing_asked_is_nothing_known():
    assert clusters(Behaviour(note="no calls")) == ()
    assert entropy_bits(()) == 0.0
    assert differences(Behaviour(note="no calls")) == ()
    assert suspicious(Behaviour(note="no calls"), "a") == 0.0


@pytest.mark.parametrize(
    ("known", "bits"),
    [
        (behaviour(a="1", b="1"), 0.0),
        (behaviour(a="1", b="2"), 1.0),
        (behaviour(a="1", b="2", c="3", d="4"), 2.0),
        (behaviour(a="1", b="1", c="1", d="2"), 0.8112781244591328),
    ],
)
def test_entropy_is_that_of_a_draw(known, bits):
    assert entropy_bits(clusters(known)) == pytest.approx(bits)


def test_differences_show_each_clusters_answer():
    known = behaviour(a="123", b="124", c="123")
    (only,) = differences(known)
    assert (only.call, only.edge, [answer.text for answer in only.answers]) == ("f(2)", False, ["3", "4"])


def test_what_splits_most_comes_first_then_new_splits_then_edges():
    known = behaviour(4, a="111111", b="112221", c="112311", d="112421")
    parts = clusters(known)
    assert ["".join(c.members) for c in parts] == ["a", "b", "c", "d"]
    told = differences(known, parts, most=9)
    assert [(one.call, one.edge) for one in told] == [("f(3)", False), ("f(2)", False), ("f(4)", True)]
    assert differences(known, parts, most=1) == told[:1]


def test_values_against_values_come_before_values_against_exceptions():
    known = behaviour(a="11", b="!2")
    assert [one.call for one in differences(known)] == ["f(1)", "f(0)"]


def test_an_unstable_or_late_answer_is_no_difference():
    assert [one.call for one in differences(behaviour(a="1134", b="~t35"))] == ["f(3)"]


@pytest.mark.parametrize(
    ("known", "share"),
    [
        (behaviour(a="1!t3", b="1223", c="1223"), 0.5),
        (behaviour(3, a="1!3!", b="1233", c="1233"), 1 / 3),  # at the edge it may
        (behaviour(a="1!3", b="1!3", c="123"), 0.0),  # half of the others too
        (behaviour(a="ddd", b="123", c="123"), 1.0),
        (behaviour(a="1!3"), 0.0),  # nobody to compare with
        (behaviour(b="123"), 0.0),  # not asked
    ],
)
def test_who_crashes_where_others_answer_is_suspicious(known, share):
    assert suspicious(known, "a") == pytest.approx(share)

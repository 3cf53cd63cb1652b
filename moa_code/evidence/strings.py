"""The shape that strings seen in one place have in common. Pure."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

from moa_code.evidence.shapes import (
    BRACKET_PAIRS,
    MOST_SEEN,
    SEPARATORS,
    Brackets,
    Choice,
    Letters,
    Masked,
    Numeral,
    OneOf,
    Phrase,
    Real,
    Sentence,
    Shape,
    Template,
    Whole,
    balanced,
    mask_of,
)

MOST_CHARS = 24
MOST_MODES = 4  # values of a place that takes only some: a mode, a direction
OPEN_WORDS = 8  # different words, after which others are expected


def text_shape(seen: Sequence[str]) -> Shape:
    """Balanced brackets, strings of one pattern, words with separators, or letters over what was seen.

    Where there is no pattern the empty string belongs to them: 93 % of the functions of HumanEval+ take it by contract,
    against 54 % that take an empty list.
    """
    filled = [text for text in seen if text]
    if not filled:
        return Letters(alphabet=string.ascii_lowercase[:6], low=0, high=6)
    different = sorted(set(seen))
    if len(different) <= MOST_MODES and len(seen) >= max(6, 3 * len(different)) and all(map(str.isalnum, different)):
        return Choice(values=tuple(different))
    pattern = _numeral(filled) or _masked(filled) or _template(filled)
    if pattern is not None and "" in seen:
        return OneOf(options=(Choice(values=("",)), pattern))
    return _brackets(filled) or pattern or _sentence(seen) or _phrase(filled) or _letters(seen, filled)


def _brackets(filled: list[str]) -> Shape | None:
    chars = set("".join(filled))
    pairs = tuple(pair for pair in BRACKET_PAIRS if chars & set(pair))
    if not pairs or chars - set("".join(pairs)) - {" "} or not all(map(balanced, filled)):
        return None
    groups = [group for text in filled for group in text.split(" ")]
    grouped = " " in chars and all(map(balanced, groups)) and "" not in groups
    longest = max(len(text) for text in filled)
    return Brackets(
        pairs=pairs,
        low=0,
        high=max(2, min(10, longest // 2 + 2)),
        depth=2 + max(_depth(text) for text in filled),
        grouped=grouped,
        spaced=" " in chars and not grouped,
    )


def _depth(text: str) -> int:
    depth = deepest = 0
    for char in text:
        depth += (char in "([{<") - (char in ")]}>")
        deepest = max(deepest, depth)
    return deepest


def _masked(filled: list[str]) -> Shape | None:
    """Digits between other signs, always in one pattern. No digit leaves the range that was seen in its place, so that
    the month of a date stays one.
    """
    masks = {mask_of(text) for text in filled}
    mask = next(iter(masks))
    if len(masks) == 1 and len(mask) > 4 and any(c not in "9aA" for c in mask) and "9" in mask:
        return Masked(
            low="".join(map(min, zip(*filled, strict=True))), high="".join(map(max, zip(*filled, strict=True)))
        )
    return None


def _sentence(seen: Sequence[str]) -> Shape | None:
    """Signs of a language between numbers and names, in most of the texts."""
    filled = [text for text in seen if text]
    signed = [t for t in filled if set(t) & set("+*/=<>()[]{}$%&|^@#\\") and any(map(str.isalnum, t))]
    if len(signed) * 2 < len(filled) or len(signed) < 2:
        return None
    return Sentence(seen=tuple(sorted(set(seen), key=lambda text: (len(text), text))[: 2 * MOST_SEEN]))


def _template(filled: list[str]) -> Shape | None:
    """One text with other numbers in it."""
    split = [re.split(r"(\d+)", text) for text in filled]
    parts = {tuple(found[::2]) for found in split}
    digits = [number for found in split for number in found[1::2]]
    if len(parts) != 1 or not digits or len(set(filled)) < 2 or not any("".join(next(iter(parts)))):
        return None
    if any(len(number) > 1 and number[0] == "0" for number in digits):
        return None
    numbers = [int(number) for number in digits]
    return Template(parts=next(iter(parts)), number=Whole(low=min(1, *numbers), high=2 * max(numbers) + 3))


def _numeral(filled: list[str]) -> Shape | None:
    """Decimal numbers; digits alone are letters like any other."""
    if not all(re.fullmatch(r"-?\d{1,12}(\.\d{1,6})?", text) for text in filled):
        return None
    if not any(sign in text for text in filled for sign in "-."):
        return None
    numbers = [float(text) for text in filled]
    low, high = min(numbers), max(numbers)
    span = max(1.0, high - low)
    least = min(0.0, low) if low >= 0 else low - span
    places = max(len(text.partition(".")[2]) for text in filled)
    if places:
        return Numeral(of=Real(low=least, high=high + span, places=places))
    return Numeral(of=Whole(low=int(least), high=int(high + span)))


def _phrase(filled: list[str]) -> Shape | None:
    parts = [SEPARATORS.split(text) for text in filled]
    separators = sorted({sep for split in parts for sep in split[1::2]})
    tokens = [word for split in parts for word in split[::2] if word]
    if not separators or not tokens or sum(len(split) > 1 for split in parts) * 2 < len(parts):
        return None
    if sum(map(len, tokens)) < 1.5 * len(tokens) and len(set(tokens)) > 12:  # letters with spaces among them
        return None
    words = tuple(sorted(set(tokens)))
    counts = [sum(bool(word) for word in split[::2]) for split in parts]
    closed = len(words) < OPEN_WORDS or len(words) <= 0.6 * len(tokens)
    plain = all(word.isalpha() for word in words) or all(word.isdigit() for word in words)
    return Phrase(
        words=words[: 2 * MOST_SEEN],
        separators=tuple(separators),
        low=0,
        high=max(counts) + 2,
        alphabet="" if closed or not plain else alphabet_of("".join(words)),
    )


def alphabet_of(text: str) -> str:
    """The characters of `text`, and what they plainly stand for: all digits, or all letters of a case.

    Not where only `0` and `1`, or only letters up to `f`, were seen: those may be numerals.
    """
    chars = set(text)
    if any(c in "23456789" for c in chars):
        chars |= set(string.digits)
    for letters, numeral in ((string.ascii_lowercase, "abcdef"), (string.ascii_uppercase, "ABCDEF")):
        own = chars & set(letters)
        if len(own) > 2 and own - set(numeral):
            chars |= set(letters)
    return "".join(sorted(chars))


def _letters(seen: Sequence[str], filled: list[str]) -> Letters:
    numerals = all(text.isdigit() for text in filled)
    lengths = [len(text) for text in seen]
    same = len(set(lengths)) == 1 and len(set(seen)) > 2
    return Letters(
        alphabet=alphabet_of("".join(filled)),
        low=lengths[0] if same and lengths[0] < 3 else 0,
        high=lengths[0] if same and lengths[0] < 3 else min(MOST_CHARS, max(lengths) + 3),
        mirror=any(len(text) > 2 and text == text[::-1] for text in filled),
        numeral=numerals and set("".join(filled)) != {"0"} and not any(len(t) > 1 and t[0] == "0" for t in filled),
        seen=tuple(sorted(set(seen), key=lambda text: (len(text), text))[:MOST_SEEN]),
    )

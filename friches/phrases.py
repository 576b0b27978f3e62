"""What was found, what is needed, what to ask: in French, written once for each distinct case.

A column of texts is held as `Texts`: integer codes into a short list, -1 where there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.types import union_categoricals

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from friches.grammar import Fact

UNITS = {"pct": "%", "eur": "€", "eur_m2": "€/m²", "m2": "m²", "years": "ans", "months": "mois"}
WORDS = {
    "at_least": "au moins ",
    "more_than": "plus de ",
    "at_most": "au plus ",
    "less_than": "moins de ",
}
UNKNOWN = "inconnu"
MOST_CASES = 2**62
NEAR = 0.005  # two decimals would hide on which side of a threshold such a value lies


class Texts(NamedTuple):
    """A column of texts: `words[code]` for each row, nothing where the code is -1."""

    codes: NDArray[np.int32]
    words: list[str]


def same(text: str, rows: int) -> Texts:
    """Return one text for every row (none for an empty one)."""
    return Texts(np.full(rows, 0 if text else -1, dtype=np.int32), [text])


def distinct(
    columns: Sequence[NDArray[Any]], rows: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give a number to the distinct rows of several columns of codes (-1: none).

    Returns
    -------
    codes, first : arrays of int
        The number of each row (`rows` of them), and where each number stands first.
    """
    key, cases = np.zeros(rows, dtype=np.int64), 1
    for column in columns:
        codes = column.astype(np.int64) + 1
        base = int(codes.max(initial=0)) + 1
        if cases * base > MOST_CASES:  # number the rows met so far afresh, or the key overflows
            key = pd.factorize(key)[0].astype(np.int64)
            cases = int(key.max(initial=0)) + 1
        key, cases = key * base + codes, cases * base
    codes, met = pd.factorize(key)
    first = np.zeros(len(met), dtype=np.int64)
    first[codes[::-1]] = np.arange(rows)[::-1]
    return codes.astype(np.int64), first


def write(columns: Sequence[NDArray[Any]], phrase: Callable[..., str]) -> Texts:
    """Return `phrase(code, code, …)` for each row, called once for each distinct row of codes.

    An empty phrase leaves the row without text.
    """
    codes, first = distinct(columns, len(columns[0]))
    spoken = [phrase(*(int(column[i]) for column in columns)) for i in first]
    places, words = pd.factorize(np.array([text or None for text in spoken], dtype=object))
    return Texts(places.astype(np.int32)[codes], [str(text) for text in words])


def picked(parts: Sequence[Texts], choice: NDArray[np.int32]) -> Texts:
    """Return the text of one of several columns for each row, none where the choice is -1."""
    words: list[str] = []
    codes = np.full(len(choice), -1, dtype=np.int32)
    for number, part in enumerate(parts):
        chosen = (choice == number) & (part.codes >= 0)
        codes[chosen] = part.codes[chosen] + len(words)
        words += part.words
    return Texts(codes, words)


def sentences(parts: Sequence[Texts]) -> Texts:
    """Join the texts of each row with « ; », each once."""

    def phrase(*codes: int) -> str:
        said = (part.words[code] for part, code in zip(parts, codes, strict=True) if code >= 0)
        return " ; ".join(dict.fromkeys(said))

    return write([part.codes for part in parts], phrase)


def plain(texts: Texts) -> Any:
    """Return the texts as a pandas array of strings, missing where there is none."""
    codes = pa.array(texts.codes, mask=texts.codes < 0)
    coded = pa.DictionaryArray.from_arrays(codes, pa.array(texts.words, pa.large_string()))
    return pd.array(coded.cast(pa.large_string()), dtype="str")


def number(value: float, fact: Fact) -> str:
    """Write a number as in French, with its unit: « 0,42 », « 12 500 m² »."""
    whole, _, decimals = f"{abs(value):.6f}".partition(".")
    if len(whole) > 4:
        whole = f"{int(whole):,}".replace(",", "\u202f")
    decimals = decimals.rstrip("0")
    sign = "-" if value < 0 and (int(whole.replace("\u202f", "")) or decimals) else ""
    unit = f"\u00a0{UNITS.get(fact.unit, fact.unit)}" if fact.unit else ""
    return f"{sign}{whole}{',' if decimals else ''}{decimals}{unit}"


def found_number(
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    fact: Fact,
    thresholds: Sequence[float],
) -> Texts:
    """Write a number or its two ends (infinite where unknown), rounded for the reader."""
    lows, low_cases = pd.factorize(_rounded(low, thresholds))
    highs, high_cases = pd.factorize(_rounded(high, thresholds))

    def phrase(i: int, j: int) -> str:
        least, most = float(low_cases[i]), float(high_cases[j])
        if least == most:
            return number(least, fact)
        if np.isinf(least) and np.isinf(most):
            return UNKNOWN
        if np.isinf(most):
            return f"au moins {number(least, fact)}"
        if np.isinf(least):
            return f"au plus {number(most, fact)}"
        return f"entre {number(least, fact)} et {number(most, fact)}"

    return write([lows, highs], phrase)


def _rounded(values: NDArray[np.float64], thresholds: Sequence[float]) -> NDArray[np.float64]:
    shown = np.round(values, 2)
    for threshold in thresholds:
        near = (np.abs(values - threshold) < NEAR) & (values != threshold)
        shown = np.where(near, np.round(values, 6), shown)
    return np.asarray(shown + 0.0, dtype=np.float64)


def found_word(column: pd.Series[Any], fact: Fact) -> Texts:
    """Write a yes/no, a text or a date."""
    codes, cases = pd.factorize(column)

    def phrase(code: int) -> str:
        return UNKNOWN if code < 0 else word(cases[code], fact)

    return write([codes], phrase)


def word(value: Any, fact: Fact) -> str:
    """Write one known value of a fact."""
    if fact.kind == "boolean":
        return "oui" if value else "non"
    if fact.kind == "date":
        return day(value)
    return number(float(value), fact) if fact.kind != "text" else str(value)


def day(value: dt.date) -> str:
    """Write a date as 12/09/2026."""
    return f"{value:%d/%m/%Y}"


def needed(name: str, value: Any, fact: Fact) -> str:
    """Write what a comparison with a value asks for: « au moins 3 », « oui », « A ou N »."""
    if name == "one_of":
        words = [word(item, fact) for item in value]
        return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} ou {words[-1]}"
    return WORDS.get(name, "") + word(value, fact)


def needed_of(name: str, other: Fact, seen: str) -> str:
    """Write what a comparison with another fact asks for, and what that fact was found to be."""
    return f"{WORDS.get(name, 'égal à ')}« {other.label} » ({seen})"


def lowered(label: str) -> str:
    """Return a label fit for the middle of a sentence (acronyms keep their capitals)."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def coded(texts: Texts) -> pd.Categorical:
    """Return the texts as a pandas category, its words sorted, missing where there is none.

    Tables made in parts and put together hold the same bytes as one made whole.
    """
    used = np.flatnonzero(np.bincount(texts.codes[texts.codes >= 0], minlength=len(texts.words)))
    words = sorted({texts.words[code] for code in used})
    place = {word: number for number, word in enumerate(words)}
    moved = np.array([*(place.get(word, -1) for word in texts.words), -1], dtype=np.int32)
    return pd.Categorical.from_codes(moved[texts.codes], categories=pd.Index(words, dtype="str"))


def worded(said: Sequence[str | None]) -> pd.Categorical:
    """Return texts as a category, its words sorted, missing where there is none."""
    words: dict[str, int] = {}
    codes = [words.setdefault(one, len(words)) if one is not None else -1 for one in said]
    return coded(Texts(np.array(codes, dtype=np.int32), list(words)))


def stacked(parts: Sequence[Texts | None], rows: int) -> Texts:
    """Return one column of texts: for each of `rows`, the text of every part in turn."""
    words: dict[str, int] = {}
    codes = []
    for part in parts:
        if part is None:
            codes.append(np.full(rows, -1, dtype=np.int32))
            continue
        moved = [words.setdefault(word, len(words)) if word else -1 for word in part.words]
        codes.append(np.array([*moved, -1], dtype=np.int32)[part.codes])  # -1 reads the last: none
    return Texts(np.column_stack(codes).ravel(), list(words))


def together(parts: Sequence[pd.Categorical]) -> pd.Categorical:
    """Return categories made in parts as one, its words sorted, whatever the parts."""
    return union_categoricals(list(parts), sort_categories=True)

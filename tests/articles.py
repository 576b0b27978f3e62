"""The articles that the law files quote: where each stands among the shared texts, what it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from friches.grammar import Document

VERIFIED = ("V26", "V15c", "V15", "VP")
CITED = re.compile(r"(CRPM|CG3P|CGCT|CEnv|CC|CE|CF|CU) ([LRD]?[\d-]*\d)")
STEMS = {"CC": "cciv", "CE": "cexpro", "CEnv": "cenv", "CF": "cfor", "CU": "curb"}
# read in the same consolidated code (April 2026), but its file is not yet among the shared texts;
# no other article may be absent, and its quotes are checked too as soon as the file is there
ABSENT = {"CC 815-5-1"}


class Quote(NamedTuple):
    """One sentence that a document gives as law: where it stands, and how well it was read."""

    document: str
    text: str
    article: str
    mark: str


def quotes(documents: Mapping[str, Document]) -> Iterator[Quote]:
    """Yield every sentence of law of every version: conditions, exceptions, ways, steps."""
    for name, document in documents.items():
        for version in document.version:
            for condition in version.conditions:
                for said in (condition, *condition.exception):
                    yield Quote(name, said.text, said.source, said.mark)
            for way in version.way:
                yield Quote(name, way.text, way.source, way.mark)
            for step in version.step:
                yield Quote(name, step.text, step.article, step.mark)


def cited(article: str) -> str:
    """Return the first article named: « CC 815-5-1 » of « CC 815-5-1, al. 2 [V26] »."""
    found = CITED.match(article)
    assert found, f"no article in « {article} »"
    return found[0]


def article_file(shared: Path, article: str, mark: str) -> Path:
    """Return the file of an article: excerpts (VP), the code of April 2026 (V26) or of 2015."""
    if mark == "VP":
        return shared / "law" / "excerpts.md"
    code, number = cited(article).split(" ")
    folder = "2026-04" if mark == "V26" else "2015"
    return shared / "law" / folder / f"{STEMS.get(code, code.lower())}_{number.lower()}.md"


def article_text(shared: Path, article: str, mark: str) -> str:
    """Return the text of an article, without the notes that follow it."""
    text = article_file(shared, article, mark).read_text("utf-8")
    if mark != "VP":
        return text.split("<!--")[0]
    parts = text.split("\n## ")
    return next(part for part in parts if part.startswith(f"{cited(article)} "))


def squeezed(text: str) -> str:
    """Return a text on one line, each blank one space."""
    return " ".join(text.split())

"""Our reading of a legal document, made from its TOML alone: a row a condition and a step.

What stands on the left of the lawbook is the text quoted; what `rows` says on the right is what
the program really tests or counts, so that a lawyer can set one against the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from friches import phrases
from friches.grammar import VERDICT, Derogation, FactRef, uses
from friches.scenarios.timeline import french, practice_text
from friches.view import words
from friches.view.lexicon import typeset, w

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from friches.grammar import Condition, Fact, Use, Version
    from friches.procedure import Step


class Row(NamedTuple):
    """One line of the lawbook.

    Attributes
    ----------
    kind : str
        A key of lawbook.kinds in words.toml.
    name : str
        The identifier in the TOML file.
    said : str
        The text quoted.
    read : tuple of str
        What the program tests or counts, a sentence each.
    article, mark : str
        Where the text stands, and how it was read.
    link : str
        Name of the other document whose verdict is read, or "".
    """

    kind: str
    name: str
    said: str
    read: tuple[str, ...]
    article: str
    mark: str
    link: str = ""


def rows(version: Version, facts: Mapping[str, Fact]) -> list[Row]:
    """Return the lines of one version, in the order of the file.

    Parameters
    ----------
    version : Version
        Of an instrument, a gate or a detection rule.
    facts : mapping of str to Fact
        Every fact it may name (`rule.facts_named()`, or `fallow.facts_read()` for rules).
    """
    made: list[Row] = []
    for condition in version.condition:
        made += _condition("condition", condition, version, facts)
    for way in version.way:
        told = w.lawbook.reading
        many = told.one_of.format(n=len(version.way)) if len(version.way) > 1 else told.only
        read = (told.way.format(many=many),)
        made.append(Row("way", way.id, way.text, read, way.source, _mark(way.mark, version)))
        for condition in way.condition:
            made += _condition("case", condition, version, facts)
    for condition in version.bar:
        made += _condition("bar", condition, version, facts)
    made += [_step(step) for step in version.step]
    return [row._replace(read=tuple(map(typeset, row.read))) for row in made]


def verdict(version: Version) -> str:
    """Return how the answers to the conditions make the verdict, in one sentence."""
    told = w.lawbook.reading
    parts = [told.all_met] if version.condition else []
    if version.way:
        parts.append(told.some_open)
    if version.bar:
        parts.append(told.no_bar)
    return str(told.verdict.format(parts=told.and_if.join(parts)))


def _mark(mark: str, version: Version) -> str:
    return mark or version.mark


def _condition(
    kind: str, condition: Condition, version: Version, facts: Mapping[str, Fact]
) -> Iterator[Row]:
    link = condition.fact.removeprefix(VERDICT) if condition.verdict_of else ""
    source = condition.source or version.source
    base, *exceptions = uses(condition)
    read = [_tested(base, facts, closes=kind == "bar"), *_asked(condition, facts)]
    mark = _mark(condition.mark, version)
    yield Row(kind, condition.id, condition.text, tuple(read), source, mark, link)
    for use in exceptions:
        under = use.under
        if isinstance(under, Derogation):
            where = facts[under.where].label
            said = w.lawbook.reading.exception.format(
                where=_quoted(where),
                answer=words.YES_NO["no" if under.is_not else "yes"],
                needed=_needed(use, facts),
            )
            yield Row(
                "exception",
                condition.id,
                under.text,
                (said,),
                under.source or source,
                _mark(under.mark, version),
            )


def _quoted(label: str) -> str:
    return label if "«" in label else str(w.lawbook.reading.quoted.format(label=label))


def _tested(use: Use, facts: Mapping[str, Fact], *, closes: bool) -> str:
    label = _quoted(facts[use.condition.fact].label)
    told = w.lawbook.reading
    said = told.tested.format(label=label, needed=_needed(use, facts))
    return str((told.closes if closes else w.map.script.sentence).format(said=said))


def _needed(use: Use, facts: Mapping[str, Fact]) -> str:
    fact = facts[use.condition.fact]
    if isinstance(use.value, FactRef):
        other = facts[use.value.fact].label
        return f"{phrases.WORDS.get(use.name, w.lawbook.reading.equal)}{_quoted(other)}"
    if isinstance(use.value, str) and fact.kind != "text":
        return use.value
    return phrases.needed(use.name, use.value, fact)


def _asked(condition: Condition, facts: Mapping[str, Fact]) -> Iterator[str]:
    fact = facts[condition.fact]
    ask, whom = condition.ask or fact.ask, condition.whom or fact.whom
    if ask:
        said = w.lawbook.reading.asked_whom if whom else w.lawbook.reading.asked
        yield str(said.format(ask=ask, whom=whom))


def _step(step: Step) -> Row:
    line = w.lawbook.reading
    said = line.step.format(who=step.who, act=step.act) if step.who else f"{step.act}."
    read = [said]
    if told := practice_text(step):
        read.append(f"{told[:1].upper()}{told[1:]}.")
    elif not step.practice:
        read.append(line.no_delay)
    if step.branch:
        read.append(line.branch.format(branch=step.branch, chance=_chance(step)))
    if step.optional:
        read.append(line.optional)
    if step.after:
        read.append(line.after.format(steps=", ".join(step.after)))
    return Row("step", step.id, step.text, tuple(read), step.article, step.mark)


def _chance(step: Step) -> str:
    if step.chance is None:
        return ""
    shares = " / ".join(
        words.percent(share) for share in (step.chance.low, step.chance.central, step.chance.high)
    )
    return str(
        w.lawbook.reading.chance.format(
            shares=shares, source=step.chance.source, mark=step.chance.mark
        )
    )


def legal_delay(step: Step) -> str:
    """Return the delay that the text sets: « 2 mois au plus », or "" where it sets none."""
    told = w.lawbook.reading
    for delay, said in ((step.within, told.at_most), (step.at_least, told.at_least)):
        if delay:
            return str(said.format(delay=french(delay)))
    if step.lasts:
        return french(step.lasts)
    return ""

"""Every number, comparison, exception and bar of the law is held by an example of its file.

A mutant is a document with one thing changed. It is killed when an example gets another answer;
a gap in what the examples show (`uncovered`) does not count. Delays of steps are held by
test_timeline.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter

from friches.facts import dictionary
from friches.grammar import COMPARISONS, verdict_facts
from friches.judge import contradicted, read_document
from friches.scenarios.rule import GATES, LAW

FLIPS = {
    "at_least": "more_than",
    "more_than": "at_least",
    "at_most": "less_than",
    "less_than": "at_most",
}
FILES = sorted([*LAW.glob("*.toml"), *GATES.glob("*.toml")])


def steps_of(value, fact):
    """Return a threshold moved down and up by one of its units: a day, one, a tenth of a part."""
    if isinstance(value, dt.date):
        return [value - dt.timedelta(1), value + dt.timedelta(1)]
    whole = fact.kind == "integer" or (value and float(value).is_integer())
    step = 1 if whole else 0.1 * (abs(value) or 1)
    return [value - step, value + step]


def changed(said, fact):
    """Yield (what, comparison changed) for a condition or an exception."""
    name, value = said.comparison
    none = dict.fromkeys(COMPARISONS)
    if isinstance(value, bool):
        yield "flip", said.model_copy(update=none | {name: not value})
    elif isinstance(value, int | float | dt.date):
        for moved in steps_of(value, fact):
            yield "number", said.model_copy(update=none | {name: moved})
    elif isinstance(value, list) and not isinstance(value[0], str):
        for place, one in enumerate(value):
            for moved in steps_of(one, fact):
                numbers = [*value[:place], moved, *value[place + 1 :]]
                yield "number", said.model_copy(update=none | {name: numbers})
    if name in FLIPS:
        yield "flip", said.model_copy(update=none | {FLIPS[name]: value})


def conditions(condition, facts):
    """Yield (what, condition changed)."""
    fact = facts.get(condition.fact)
    yield from changed(condition, fact)
    for place, exception in enumerate(condition.exception):
        before, after = condition.exception[:place], condition.exception[place + 1 :]
        for what, said in changed(exception, fact):
            yield what, condition.model_copy(update={"exception": [*before, said, *after]})
        yield "exception", condition.model_copy(update={"exception": [*before, *after]})


def within(lot, facts):
    """Yield (what, id, list with one condition changed)."""
    for place, condition in enumerate(lot):
        for what, said in conditions(condition, facts):
            yield what, condition.id, [*lot[:place], said, *lot[place + 1 :]]


def versions(version, facts):
    """Yield (what, id, version changed)."""
    for key in ("condition", "bar"):
        for what, name, lot in within(getattr(version, key), facts):
            yield what, name, version.model_copy(update={key: lot})
    for place, way in enumerate(version.way):
        for what, name, lot in within(way.condition, facts):
            moved = way.model_copy(update={"condition": lot})
            ways = [*version.way[:place], moved, *version.way[place + 1 :]]
            yield what, name, version.model_copy(update={"way": ways})
    for key in ("condition", "bar"):
        lot = getattr(version, key)
        for gone in lot:
            left = [other for other in lot if other is not gone]
            said = version.model_copy(update={key: left})
            if said.conditions:  # a version without any is refused when read
                yield key, gone.id, said
    for way in version.way:
        said = version.model_copy(update={"way": [w for w in version.way if w is not way]})
        if said.conditions:
            yield "way", way.id, said


def mutants(document, facts):
    """Yield (what, id, document with one thing changed)."""
    for place, version in enumerate(document.version):
        for what, name, said in versions(version, facts):
            lot = [*document.version[:place], said, *document.version[place + 1 :]]
            mutant = document.model_copy(update={"version": lot})
            if what in ("bar", "condition", "way"):  # examples cannot speak of what is gone
                held = {c.id for c in said.conditions} | {w.id for w in said.way} | {"verdict"}
                spoken = [
                    e.model_copy(update={"then": {k: v for k, v in e.then.items() if k in held}})
                    for e in document.example
                ]
                mutant = mutant.model_copy(update={"example": spoken})
            yield what, name, mutant


def test_no_mutant_of_the_law_survives(capsys):
    facts = dictionary() | verdict_facts({path.stem: path.stem for path in FILES})
    counts, survivors = Counter(), []
    for path in FILES:
        for what, name, mutant in mutants(read_document(path, facts), facts):
            counts[what] += 1
            if not contradicted(mutant, facts):
                survivors.append(f"{path.stem}, {name} : {what}")
    with capsys.disabled():
        told = ", ".join(f"{what} {count}" for what, count in sorted(counts.items()))
        print(f"\n{counts.total()} mutants of {len(FILES)} files ({told}) : {survivors or 'none'}")
    assert survivors == []
    assert counts["number"]
    assert counts["flip"]
    assert counts["exception"]
    assert counts["bar"]


DOCUMENT = """
title = "essai"
checked = { on = 2026-11-21 }
[[version]]
from = 2020-01-01
source = "s"
  [[version.condition]]
  id = "years"
  text = "t"
  fact = "years_unused"
  at_least = 3
    [[version.condition.exception]]
    text = "e"
    where = "in_mountain_zone"
    at_least = 2
  [[version.bar]]
  id = "closed"
  text = "t"
  fact = "force_majeure"
  is = true
[[example]]
name = "three"
on = 2026-01-01
given = { years_unused = 3, in_mountain_zone = false, force_majeure = false }
then = { verdict = "yes" }
[[example]]
name = "two"
on = 2026-01-01
given = { years_unused = 2, in_mountain_zone = false }
then = { verdict = "no" }
[[example]]
name = "two in mountain"
on = 2026-01-01
given = { years_unused = 2, in_mountain_zone = true, force_majeure = false }
then = { verdict = "yes" }
[[example]]
name = "one in mountain"
on = 2026-01-01
given = { years_unused = 1, in_mountain_zone = true }
then = { verdict = "no" }
[[example]]
name = "barred"
on = 2026-01-01
given = { years_unused = 3, in_mountain_zone = false, force_majeure = true }
then = { verdict = "no" }
"""


def survivors_of(document):
    facts = dictionary()
    return sorted(w for w, _, m in mutants(document, facts) if not contradicted(m, facts))


def test_the_mutants_are_those_meant_and_each_missing_example_lets_one_live(tmp_path):
    path = tmp_path / "d.toml"
    path.write_text(DOCUMENT, "utf-8")
    document = read_document(path, dictionary())
    made = Counter(what for what, *_ in mutants(document, dictionary()))
    assert made == {"number": 4, "flip": 3, "exception": 1, "bar": 1, "condition": 1}
    assert survivors_of(document) == []
    left = {
        gone.name: survivors_of(
            document.model_copy(update={"example": [e for e in document.example if e is not gone]})
        )
        for gone in document.example
    }
    assert left["two"] == ["number"]
    assert left["one in mountain"] == ["number"]
    assert left["three"]
    assert "bar" in left["barred"]

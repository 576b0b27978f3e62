"""The model against what farms, towns and PARCEL published: writes docs/anchors.md.

Run `python -m benchmarks.anchors` to write the page again; a test keeps it current.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import of_farms, of_parcel
from friches.figures import figure, rounded

if TYPE_CHECKING:
    from benchmarks.line import Line

ROOT = Path(__file__).resolve().parent
PAGE = ROOT.parent / "docs" / "anchors.md"
VERDICTS = ("reproduit", "écart expliqué", "sans calcul")

HEAD = """# Le modèle face aux chiffres publiés

Vingt-quatre repères publiés par des fermes, des communes, des réseaux et PARCEL, et ce que le
modèle en dit avec ses propres chiffres (`friches/food/`). Page écrite par
`python -m benchmarks.anchors` ; un test refuse qu'elle ne soit plus à jour.

- **reproduit** : dans la tolérance dite. « ± 10 % » compare la valeur centrale ; « fourchette »
  demande que le chiffre publié tombe entre le bas et le haut du modèle ; « au plus », « au moins »
  comparent la valeur centrale à une borne.
- **écart expliqué** : hors tolérance, avec la raison.
- **sans calcul** : il manque une donnée au chiffre publié ou au modèle ; il ne prouve rien.

Les tolérances sont les nôtres. Un repère n'est une preuve que s'il n'a pas servi à régler le
modèle : le rendement des domaines vient de Mouans-Sartoux (A1 à A3), les prix d'Un Plus Bio, et
les surfaces de PARCEL (A10 à A16, A21) partent du total qu'il publie ; la remarque le rappelle.
"""


class Anchor(NamedTuple):
    """One published anchor, its source, and its lines with what was expected of them."""

    id: str
    says: str
    mark: str
    source: str
    expect: tuple[int, int, int]
    lines: list[Line]


@cache
def anchors() -> list[Anchor]:
    """Return the anchors in order, each with its lines reckoned."""
    told = tomllib.loads((ROOT / "anchors.toml").read_text("utf-8"))["anchor"]
    return [Anchor(**a | {"expect": tuple(a["expect"])}, lines=_lines(a["id"])) for a in told]


def _lines(name: str) -> list[Line]:
    function = name.lower()
    where = of_farms if hasattr(of_farms, function) else of_parcel
    lines: list[Line] = getattr(where, function)()
    return lines


def found(anchor: Anchor) -> tuple[int, int, int]:
    """Return how many lines are reproduced, missed with a reason, not reckoned."""
    verdicts = [verdict(line) for line in anchor.lines]
    counts = [verdicts.count(name) for name in VERDICTS]
    return counts[0], counts[1], counts[2]


def verdict(line: Line) -> str:
    """Return the verdict on one line."""
    if line.model is None:
        return "sans calcul"
    low, central, high = line.model
    within = {
        "fourchette": low <= line.published <= high,
        "au plus": central <= line.published,
        "au moins": central >= line.published,
    }
    near = abs(central - line.published) <= line.tolerance * abs(line.published)
    return "reproduit" if within.get(line.test, near) else "écart expliqué"


def page() -> str:
    """Return docs/anchors.md."""
    rows = [_row(anchor, line) for anchor in anchors() for line in anchor.lines]
    counts = [sum(found(anchor)[i] for anchor in anchors()) for i in range(3)]
    summary = ", ".join(f"{n} « {name} »" for n, name in zip(counts, VERDICTS, strict=True))
    sources = [f"- **{a.id}** {a.says}. {a.source} ({a.mark})." for a in anchors()]
    parts = [
        HEAD,
        f"{len(rows)} comparaisons : {summary}.\n",
        "| repère | comparaison | publié | modèle | tolérance | verdict | remarque |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "\n## Ce qui est publié\n",
        *sources,
    ]
    return "\n".join(parts) + "\n"


def _row(anchor: Anchor, line: Line) -> str:
    asked = line.test or f"± {figure(line.tolerance * 100, 1)} %"
    cells: list[Any] = [
        anchor.id,
        line.what,
        f"{figure(line.published, 3)} {line.unit}".strip(),
        _model(line),
        "-" if line.model is None else asked,
        verdict(line),
        line.why,
    ]
    return "| " + " | ".join(cells) + " |"


def _model(line: Line) -> str:
    if line.model is None:
        return "-"
    low, central, high = (_number(value) for value in line.model)
    return central if low == high else f"{central} ({low} à {high})"


def _number(value: float) -> str:
    shown = rounded(value)
    return figure(shown, 0 if abs(shown) >= 100 else 3)


def main() -> None:
    """Write docs/anchors.md and print what was found."""
    PAGE.write_text(page(), "utf-8")
    for anchor in anchors():
        print(anchor.id, *found(anchor))


if __name__ == "__main__":
    main()

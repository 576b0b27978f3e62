"""Who may receive which file, and what to check before a public version goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from friches import privacy
from friches.view import words
from friches.view.audience import destroy_mention, is_public

if TYPE_CHECKING:
    from friches.result import Result

INSTRUCTING = (
    "services de la commune, SAFER et services de l'État qui instruisent le dossier : un numéro "
    "de parcelle à côté du mot « friche » désigne indirectement son propriétaire"
)
SOUGHT = (
    "à ne remettre ni à un démarcheur ni à un développeur de projet au sol : les mêmes terres sont "
    "recherchées pour le photovoltaïque"
)


class Receiver(NamedTuple):
    """Some files of a run, and who may receive them."""

    files: str
    who: str


def receivers(result: Result) -> list[Receiver]:
    """Return who may receive each file that a run writes for the study's audience."""
    communes = result.study.study.communes
    scale = f"échelle communale ({words.plural(len(communes), 'commune')} : {', '.join(communes)})"
    if is_public(result):
        return [
            Receiver(
                "map.html, register.html, register.xlsx, fiches (B001.html…), candidates.gpkg",
                f"tout public : ni numéro de parcelle, ni propriétaire ; {scale}",
            ),
            Receiver(
                "tables/, summary.json, manifest.json",
                "tout public, mais faits pour d'autres programmes",
            ),
        ]
    common = [
        Receiver(
            "map.html, register.html, register.xlsx, fiches (B001.html…), candidates.gpkg, tables/",
            f"{INSTRUCTING} ; {SOUGHT}",
        ),
        Receiver("summary.json, manifest.json", "les mêmes"),
    ]
    if not destroy_mention(result.study):
        return common
    named = Receiver(
        "fiches restreint-B001.html…",
        "seules personnes nommées dans l'engagement signé, pour la finalité écrite ; "
        f"{destroy_mention(result.study)}",
    )
    return [*common, named]


def who_may_receive(result: Result) -> str:
    """Return one sentence: each group of files and who may receive it."""
    return " — ".join(f"{row.files} : {row.who}" for row in receivers(result))


def checklist(result: Result) -> list[str]:
    """Return what to check by hand before publishing, one line each; [] unless public.

    To be printed at the end of a run, after its figures: an administration that publishes is the
    controller of what it gives out. Sentences, sources and marks stand in privacy.toml.
    """
    if not is_public(result):
        return []
    about = result.study.study
    gone = result.exclusions
    asked = 0 if gone is None else len(gone)
    filled = {
        "contact": about.contact or words.NO_CONTACT,
        "withdrawn": words.plural(asked, "parcelle retirée", "parcelles retirées"),
        "communes": ", ".join(about.communes),
    }
    rules = privacy.rules()["publication"]
    lines = [f"[ ] {step['do'].format(**filled)}" for step in rules["steps"]]
    return ["Avant de publier :", *lines, f"Source : {rules['source']} [{rules['mark']}]"]

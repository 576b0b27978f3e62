"""Who may receive which file, and what to check before a public version goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from friches import privacy
from friches.view import inert, words
from friches.view.audience import destroy_mention, is_public
from friches.view.lexicon import w

if TYPE_CHECKING:
    from friches.result import Result


class Receiver(NamedTuple):
    """Some files of a run, and who may receive them."""

    files: str
    who: str


def receivers(result: Result) -> list[Receiver]:
    """Return who may receive each file that a run writes for the study's audience."""
    said, communes = w.publish, result.study.study.communes
    scale = said.scale.format(communes=w.counts.communes(len(communes)), list=", ".join(communes))
    if is_public(result):
        return [
            Receiver(said.public_files, said.public_who.format(scale=scale)),
            Receiver(said.machine_files, said.machine_who),
        ]
    who = said.common_who.format(instructing=said.instructing, sought=said.sought)
    common = [Receiver(said.common_files, who), Receiver(said.same_files, said.same_who)]
    destroy = destroy_mention(result.study)
    if not destroy:
        return common
    return [*common, Receiver(said.named_files, said.named_who.format(destroy=destroy))]


def who_may_receive(result: Result) -> str:
    """Return one sentence: each group of files and who may receive it."""
    return " — ".join(
        w.publish.row.format(files=row.files, who=row.who) for row in receivers(result)
    )


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
        "contact": inert.clean(about.contact) or words.NO_CONTACT,
        "withdrawn": w.counts.withdrawn_parcels(asked),
        "communes": ", ".join(about.communes),
    }
    rules = privacy.rules()["publication"]
    lines = [f"[ ] {step['do'].format(**filled)}" for step in rules["steps"]]
    return [
        w.publish.before,
        *lines,
        w.publish.source.format(source=rules["source"], mark=rules["mark"]),
    ]

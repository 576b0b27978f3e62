"""Texts that must stay texts: what a hostile file may put in any label."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from friches.result import Result

PAYLOADS = (
    "<img src=x onerror=\"document.title='pwned'\">",
    "<svg onload=\"document.title='pwned'\">",
    "</script><script>document.title='pwned'</script>",
    "<!--<script>document.title='pwned'",
    "`${document.title='pwned'}`",
    "{{ 7*7 }}{% raw %}",
    "javascript:document.title='pwned'",
    "\"><b onmouseover=document.title='pwned'>x",
    "' autofocus onfocus=document.title='pwned' x='",
    "\u202egpj.exe\u2066",
    "&lt;img src=x onerror=alert(1)&gt;\u2028document.title='pwned'",
    "\\u003cimg src=x onerror=document.title='pwned'\\u003e",
)


def planted(result: Result) -> Result:
    """Return `result` with every label made hostile, each payload several times."""
    all_of_them = " | ".join(PAYLOADS)
    made = {}
    for name in (
        "blocks",
        "canteens",
        "farmers",
        "routes",
        "meals",
        "matches",
        "fallow",
        "evidence",
        "rulings",
        "steps",
        "missing",
        "provenance",
    ):
        table = getattr(result, name).copy()
        for column in table.columns:
            keep = {"block_id", "parcel_id", "farmer_id", "canteen_id", "commune", "stage"}
            keep |= {"kind", "audience", "instrument", "condition", "rule", "role", "step"}
            keep |= {"served_by", "layer", "sha256", "geometry"}
            if column not in keep and str(table[column].dtype) in ("str", "object"):
                table[column] = all_of_them
        made[name] = table
    study = result.study.model_copy(
        update={
            "study": result.study.study.model_copy(
                update={"name": all_of_them, "contact": all_of_them}
            )
        }
    )
    return replace(result, study=study, **made)

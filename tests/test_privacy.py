"""Owners are people, so their data have rules: purpose, retention, withdrawal, small counts."""

from __future__ import annotations

import datetime as dt
from dataclasses import make_dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tiny import IDS, squares, study, tiny_result

from friches import privacy
from friches.errors import InputError
from friches.result import Result
from friches.sources import exclusions
from friches.view.audience import WITHDRAWN, by_owner_kind, destroy_mention, visible

if TYPE_CHECKING:
    from friches.studyfile import Study

LEAST = 11


def in_folder(folder, **about) -> Study:
    return study(**about).model_copy(update={"folder": folder})


def owned(*files: str, day: str = "2026-09-01") -> Study:
    made = study(day=day)
    sources = made.sources.model_copy(update={"owners": list(files)})
    return made.model_copy(update={"sources": sources})


def test_every_rule_has_its_sentence_source_and_mark() -> None:
    for name, rule in privacy.rules().items():
        if name != "checked":
            assert {"text", "source", "mark"} <= set(rule), name
    assert privacy.rules()["checked"]["by"] == ""


# purpose and retention ------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", ["", "   "])
def test_p2_restricted_needs_a_purpose(purpose: str) -> None:
    with pytest.raises(InputError, match="finalité"):
        privacy.check_purpose(study(audience="restricted", purpose=purpose))


@pytest.mark.parametrize(
    ("audience", "purpose"), [("public", ""), ("internal", ""), ("restricted", "CRPM L125-1")]
)
def test_p2_other_audiences_need_none(audience: str, purpose: str) -> None:
    privacy.check_purpose(study(audience=audience, purpose=purpose))


@pytest.mark.parametrize(
    ("day", "last"),
    [("2026-01-01", "2027-12-31"), ("2026-12-31", "2027-12-31"), ("2028-02-29", "2029-12-31")],
)
def test_p4_destroyed_by_the_end_of_the_next_year(day: str, last: str) -> None:
    assert privacy.destroy_by(dt.date.fromisoformat(day)) == dt.date.fromisoformat(last)


def test_p4_restricted_outputs_say_so_and_others_do_not() -> None:
    said = destroy_mention(study(audience="restricted", purpose="essai"))
    assert said == "à détruire avant le 31 décembre 2027"
    assert destroy_mention(study()) == destroy_mention(study(audience="public")) == ""


@pytest.mark.parametrize(
    ("file", "day", "told"),
    [
        ("personnes_morales_2024.csv", "2026-01-01", ""),  # exactly two years
        ("personnes_morales_2024.csv", "2026-01-02", "plus de 2 ans"),
        ("pm_2024-09-01.csv", "2026-09-01", ""),
        ("pm_2024-09-01.csv", "2026-09-02", "plus de 2 ans"),
        ("pm_2024-02-29.csv", "2026-03-01", ""),
        ("pm_2024-02-29.csv", "2026-03-02", "plus de 2 ans"),
        ("pm_2024-13-41.csv", "2026-01-02", "plus de 2 ans"),
        ("personnes_morales.csv", "2026-01-01", "millésime non indiqué"),
    ],
)
def test_p4_an_old_owners_file_is_told(file: str, day: str, told: str) -> None:
    warnings = privacy.owners_warnings(owned(file, day=day))
    assert len(warnings) == bool(told)
    assert not told or (told in warnings[0] and file in warnings[0])


def test_p4_no_owners_no_warning() -> None:
    assert privacy.owners_warnings(study()) == []
    assert len(privacy.owners_warnings(owned("a_2020.csv", "b_2026.csv", "c_2019.csv"))) == 2


# withdrawal -----------------------------------------------------------------------------------


def write(folder, text: str, encoding: str = "utf-8") -> Study:
    (folder / "exclusions.csv").write_text(text, encoding)
    return in_folder(folder)


@pytest.mark.parametrize("text", [None, "parcel;reason;date;by\n", "parcel,reason,date,by"])
def test_p5_no_request_is_no_exclusion(tmp_path, text) -> None:
    made = in_folder(tmp_path) if text is None else write(tmp_path, text)
    table = exclusions.read_exclusions(made)
    assert list(table.columns) == ["parcel_id", "reason", "date", "by"]
    assert table.empty
    assert exclusions.counted(table, squares()) == {
        "asked": 0, "withdrawn": 0, "not_in_cadastre": 0
    }  # fmt: skip
    assert (exclusions.exclusions_key(made) == "") == (text is None)


@pytest.mark.parametrize(
    ("mark", "encoding"), [(";", "utf-8"), (",", "utf-8-sig"), (";", "cp1252")]
)
def test_p5_requests_are_read_sorted_and_counted(tmp_path, mark: str, encoding: str) -> None:
    lines = [
        "parcel;reason;date;by",
        f"{IDS[4]};jardin partagé;01/03/2026;mairie",
        f"{IDS[0][:8]} {IDS[0][8:10].lower()} {IDS[0][10:]};maison habitée;2026-02-28;LP",
        "129990000Z9999;divisée depuis;20260105;mairie",
    ]
    made = write(tmp_path, "\n".join(lines).replace(";", mark), encoding)
    table = exclusions.read_exclusions(made)
    assert list(table["parcel_id"]) == [IDS[0], IDS[4], "129990000Z9999"]
    assert list(table["date"].dt.strftime("%d/%m")) == ["28/02", "01/03", "05/01"]
    assert table["reason"].iloc[1] == "jardin partagé"
    assert exclusions.counted(table, squares()) == {
        "asked": 3, "withdrawn": 2, "not_in_cadastre": 1
    }  # fmt: skip
    assert exclusions.unmatched(table, squares()) == ["129990000Z9999"]


def test_p5_the_key_follows_the_file(tmp_path) -> None:
    one = exclusions.exclusions_key(
        write(tmp_path, f"parcel,reason,date,by\n{IDS[0]},a,2026-01-01,b")
    )
    two = exclusions.exclusions_key(
        write(tmp_path, f"parcel,reason,date,by\n{IDS[1]},a,2026-01-01,b")
    )
    assert one != two


def test_p5_every_breach_at_once(tmp_path) -> None:
    lines = [
        "parcel,reason,date,by",
        "12999A1,a,2026-01-01,b",
        f"{IDS[0]},,2026-01-01,b",
        f"{IDS[1]},a,hier,b",
        f"{IDS[2]},a,2026-01-01,",
        f"{IDS[3]},a,2026-01-01,b",
        f"{IDS[3]},a,2026-01-01,b",
        ",a,2026-01-01,b",
    ]
    with pytest.raises(InputError) as caught:
        exclusions.read_exclusions(write(tmp_path, "\n".join(lines)))
    said = str(caught.value)
    for part in (
        "12999A1",
        "« reason » vide",
        "hier",
        "« by » vide",
        "même parcelle",
        "« parcel » vide",
    ):
        assert part in said
    assert len(caught.value.breaches) == 6
    assert all("exclusions.csv" in breach.where and breach.todo for breach in caught.value.breaches)


@pytest.mark.parametrize("text", ["", "oui;non\na;b\n", "parcel;reason\nx;y\n"])
def test_p5_another_table_is_refused(tmp_path, text: str) -> None:
    with pytest.raises(InputError):
        exclusions.read_exclusions(write(tmp_path, text))


def withdrawn(audience: str) -> Result:
    """The tiny result with A0009 withdrawn: no block any more, as the grouping leaves it."""
    kind = make_dataclass("Asked", [("exclusions", object, None)], bases=(Result,), frozen=True)
    asked = pd.DataFrame({"parcel_id": [IDS[8]], "reason": ["MOTIF PRIVE"], "by": ["QUI DEMANDE"]})
    result = tiny_result(audience=audience, purpose="essai")
    kept = {
        "blocks": result.blocks[result.blocks["block_id"] != "B002"],
        "members": result.members[result.members["block_id"] != "B002"],
    }
    return kind(**{**vars(result), **kept, "exclusions": asked})


@pytest.mark.parametrize("audience", ["internal", "restricted"])
def test_p5_withdrawn_parcels_read_so_and_nothing_else(audience: str) -> None:
    shown = visible(withdrawn(audience))
    row = shown.fallow.set_index("parcel_id").loc[IDS[8]]
    assert row["withdrawn"]
    assert row["against"] == WITHDRAWN
    assert row[["answer", "stage", "reasons", "to_ask"]].isna().all()
    assert IDS[8] not in set(shown.evidence["parcel_id"]) | set(shown.rulings["parcel_id"])
    others = shown.fallow.set_index("parcel_id").drop(IDS[8])
    assert not others["withdrawn"].any()
    assert WITHDRAWN not in set(others["against"].dropna())
    assert list(shown.exclusions.columns) == ["parcel_id"]  # who asked and why stay in the file
    twice = visible(shown)
    pd.testing.assert_frame_equal(twice.fallow, shown.fallow)


def test_p5_the_public_sees_no_trace() -> None:
    shown = visible(withdrawn("public"))
    assert shown.exclusions.empty
    assert shown.fallow.empty
    assert WITHDRAWN not in shown.blocks.drop(columns="geometry").to_csv()


# small counts ---------------------------------------------------------------------------------


def test_p6_eleven_stays_and_ten_goes() -> None:
    assert list(privacy.suppressed(pd.Series([11, 40]))) == [11, 40]
    shown = privacy.suppressed(pd.Series([10, 40, 90], index=list("abc")))
    assert list(shown.isna()) == [True, True, False]  # 40 goes too: the total would tell the 10


def test_p6_hidden_cells_hold_eleven_together() -> None:
    shown = privacy.suppressed(pd.Series([3, 4, 20, 90]))
    assert list(shown.isna()) == [True, True, True, False]  # 3 + 4 = 7: one group of seven
    shown = privacy.suppressed(pd.Series([5, 6, 20, 90]))
    assert list(shown.isna()) == [True, True, False, False]  # 11 together: enough


def test_p6_nobody_is_no_secret_and_lone_counts_are() -> None:
    assert list(privacy.suppressed(pd.Series([0, 0, 15]))) == [0, 0, 15]
    assert privacy.suppressed(pd.Series([5])).isna().all()
    assert privacy.suppressed(pd.Series([], dtype="int64")).empty


@pytest.mark.parametrize(("share", "hidden"), [(0.85, False), (0.8501, True)])
def test_p6_one_unit_over_85_percent_hides_its_cell(share: float, hidden: bool) -> None:
    counts, largest = pd.Series([30, 30, 30]), pd.Series([share, 0.1, 0.1])
    shown = privacy.suppressed(counts, largest)
    assert bool(shown.isna().iloc[0]) is hidden
    assert int(shown.isna().sum()) == (2 if hidden else 0)


def test_p6_lines_and_columns() -> None:
    counts = pd.DataFrame([[5, 50, 60], [40, 45, 70], [80, 90, 95]])
    shown = privacy.suppressed(counts)
    hidden = shown.isna()
    assert hidden.iloc[0, 0]
    for axis in (0, 1):
        assert set(hidden.sum(axis=axis)) <= {0, 2, 3}  # never one alone in a line
    assert hidden.to_numpy().sum() == 4


@settings(max_examples=60, deadline=None)
@given(
    arrays("int64", st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=st.integers(0, 60))
)
def test_p6_no_total_gives_a_hidden_part_away(counts: np.ndarray) -> None:
    shown = privacy.suppressed(pd.DataFrame(counts))
    hidden = shown.isna().to_numpy()
    assert ((counts >= LEAST) | (counts == 0) | hidden).all()
    assert not (hidden & (counts == 0)).any()
    seen = ~hidden
    assert (shown.fillna(-1).to_numpy()[seen] == counts[seen]).all()
    for axis in (0, 1):
        for line, masked in zip(
            np.moveaxis(counts, axis, 0), np.moveaxis(hidden, axis, 0), strict=True
        ):
            if masked.any() and (line[~masked] > 0).any():
                assert masked.sum() >= 2
                assert line[masked].sum() >= LEAST


def test_p6_owner_kinds_are_suppressed_for_the_public_only() -> None:
    result = tiny_result()
    ids = [f"P{n:02d}" for n in range(44)]
    kinds = ["natural"] * 30 + ["legal"] * 11 + ["public"] * 3
    facts = pd.DataFrame({"parcel_id": ids, "owner_kind": kinds})
    members = pd.DataFrame({"parcel_id": ids, "block_id": "B001"})
    for audience, expected in (("internal", [3, 11, 30]), ("public", [None, None, 30])):
        about = result.study.study.model_copy(update={"audience": audience})
        made = replace(
            result,
            study=result.study.model_copy(update={"study": about}),
            facts=facts,
            members=members,
        )
        table = by_owner_kind(made)
        assert list(table["kind"]) == [
            "personne publique",
            "personne morale privée",
            "personne physique",
        ]
        assert [None if pd.isna(n) else n for n in table["parcels"]] == expected

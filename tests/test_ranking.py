"""The questions that settle most come first: counted by hand on one block."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from tiny import IDS, tiny_result

from friches import tables
from friches.view import brief, ranking
from friches.view.audience import visible
from friches.view.questions import singles, split

MINE = ["block_id", "instrument", "title", "answer", "to_ask"]


def routes(*rows: tuple[str, bool | None, str]) -> pd.DataFrame:
    made = pd.DataFrame(
        [
            {"block_id": "B001", "instrument": name, "title": name, "answer": answer,
             "order": n, "n_yes": 0, "n_no": 0, "n_unknown": 2, "to_ask": asked}
            for n, (name, answer, asked) in enumerate(rows, 1)
        ]
    )  # fmt: skip
    like = tiny_result().routes
    return tables.check(made.reindex(columns=like.columns), "routes")


def ruling(
    parcel: str, condition: str, question: str, answer: bool | None = None
) -> dict[str, Any]:
    return {
        "parcel_id": parcel, "instrument": "sans_maitre_2", "condition": condition,
        "answer": answer, "found": "inconnu", "needed": "oui", "text": "x", "source": "x",
        "version_from": pd.Timestamp("2024-07-01"), "question": question, "whom": "mairie",
    }  # fmt: skip


def result(rulings: list[dict[str, Any]], *rows: tuple[str, bool | None, str]) -> Any:
    made = (
        tables.check(pd.DataFrame(rulings), "rulings")
        if rulings
        else tiny_result().rulings.iloc[:0]
    )
    return visible(replace(tiny_result(), routes=routes(*rows), rulings=made))


def order(found: Any) -> list[str]:
    return [question.text for question in ranking.ranked(found)["B001"]]


def test_a_question_that_closes_alone_counts_whole_the_others_share() -> None:
    # 2.01 ha; « A » closes on both parcels: 2.01. « B », « C »: a third each, 0.67; B is in 2 routes.
    rows = [ruling(pid, "proprietaire", "A ?") for pid in IDS[:2]]
    found = result(
        rows,
        ("sans_maitre_2", None, "C ? (x) ; B ? (x) ; A ? (mairie)"),
        ("autre", None, "B ? (x)"),
    )
    asked = ranking.ranked(found)["B001"]
    # B: 0.67 + the whole of « autre », where it is alone (2.01)
    assert [(q.number, q.text) for q in asked] == [(1, "B ?"), (2, "A ?"), (3, "C ?")]
    assert asked[1].closes == ("sans_maitre_2",)
    assert asked[0].closes == ()
    assert asked[0].routes == ("sans_maitre_2", "autre")
    assert (asked[1].n_parcels, asked[1].area_ha) == (2, pytest.approx(2.01))


def test_a_condition_of_one_way_among_several_does_not_close_alone() -> None:
    rows = [ruling(pid, "impayee_annees", "A ?") for pid in IDS[:2]]
    (one, *_) = ranking.ranked(result(rows, ("sans_maitre_2", None, "A ? (mairie)")))["B001"]
    assert one.closes == ()


def test_a_closed_route_waits_for_nothing() -> None:
    rows = [ruling(IDS[0], "proprietaire", "A ?"), ruling(IDS[0], "verdict", "", answer=False)]
    found = result(rows, ("sans_maitre_2", False, "A ? (mairie)"))
    assert ranking.ranked(found)["B001"] == []


def test_a_parcel_closed_already_is_not_counted() -> None:
    rows = [ruling(pid, "proprietaire", "A ?") for pid in IDS[:2]]
    rows.append(ruling(IDS[0], "verdict", "", answer=False))
    asked = ranking.ranked(result(rows, ("sans_maitre_2", None, "A ? (mairie) ; B ? (x)")))["B001"]
    # A: whole on the open parcel (1.005), half on the other; B: half of 2.01
    assert [q.text for q in asked] == ["A ?", "B ?"]


def test_whether_it_is_fallow_is_worth_every_route_left() -> None:
    tiny = result([], ("a", None, "A ? (x)"), ("b", None, "A ? (x)"), ("c", None, "B ? (x)"))
    fallow = tiny.fallow.copy()
    rows = fallow["parcel_id"].isin(IDS[:2])
    fallow.loc[rows, "to_ask"] = "F ? (visite)"
    # the answer is known: it is asked, and settles nothing
    assert order(replace(tiny, fallow=fallow)) == ["A ?", "B ?", "F ?"]
    fallow.loc[rows, "answer"] = pd.NA
    asked = ranking.ranked(replace(tiny, fallow=fallow))["B001"]
    assert [q.text for q in asked] == ["F ?", "A ?", "B ?"]  # 3 routes, 2, 1
    assert asked[0].parcels == tuple(IDS[:2])


def test_equal_scores_follow_routes_then_text() -> None:
    found = result([], ("a", None, "D ? (x) ; C ? (x)"))
    assert order(found) == ["C ?", "D ?"]
    assert order(found) == order(found)


def test_the_public_ranks_without_parcels() -> None:
    shown = visible(tiny_result(audience="public"))
    (one,) = ranking.ranked(shown)["B001"]
    assert (one.text, one.parcels, one.n_parcels) == ("Une force majeure ?", (), 2)


def test_no_more_than_ten_on_the_sheet_and_all_in_the_dossier() -> None:
    from test_sheets import dossier_of, page_of

    asked = " ; ".join(f"Question {n:02d} ? (mairie)" for n in range(12))
    found = replace(tiny_result(), routes=routes(("a", None, asked)))
    sheet, dossier = page_of(found).text, dossier_of(found).text
    assert brief.SETTLING == 10
    assert "Question 09 ?" in sheet
    assert "Question 10 ?" not in sheet
    assert "Les 2 autres : dossier" in sheet
    assert all(f"Question {n:02d} ?" in dossier for n in range(12))


def test_questions_that_a_text_joins_are_told_apart() -> None:
    joined = "La parcelle est-elle louée (bail écrit ou verbal) ? ; Et depuis quand ?"
    assert singles(joined, "a ; b") == (
        ("La parcelle est-elle louée (bail écrit ou verbal) ?", "a"),
        ("Et depuis quand ?", "b"),
    )
    # one person for two questions: the fact says whom to ask, else that person
    first, second = singles(joined, "mairie")
    assert first[1] == "propriétaire, exploitants du secteur, MSA"
    assert second == ("Et depuis quand ?", "mairie")
    assert split(f"{joined} (a ; b) ; Autre ? (c)") == [*singles(joined, "a ; b"), ("Autre ?", "c")]

"""Plots of meals: each with its tables, checked by hand, and each without."""

from __future__ import annotations

from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from tiny import tiny_result

from friches.view import frame, mealplots

mpl.use("agg")

TABLES = {
    "balance": pd.DataFrame(
        {
            "food_group": "légumes", "month": [1, 9], "grown": [1100.0, 2000.0],
            "delivered": [1000.0, 500.0], "sold_elsewhere": [0.0, 1500.0], "lost": [100.0, 0.0],
        }
    ),
    "demand": pd.DataFrame(
        {"food_group": ["légumes", "légumes", "pain"], "month": [1, 9, 9], "gap": [3e3, 4e3, 9e9]}
    ),
    "shares": pd.DataFrame(
        {
            "canteen_id": ["toutes", "toutes", "C1"], "food_group": ["tout", "$x$", "légumes"],
            "share_now": [0.5, 0.2, 0.1], "share_after_low": [0.6, 0.3, 0.1],
            "share_after": [0.7, 0.4, 0.2], "share_after_high": [0.8, 0.5, 0.3],
        }
    ),
    "plots": pd.DataFrame(
        {"crop": ["lentilles", "lentilles", "lait"], "area_ha": [1.0, 2.0, 9.0],
         "counted": [True, False, True]}
    ),
    "front": pd.DataFrame(
        {"meals": [100.0, 300.0], "cost_eur": [1000.0, 9000.0], "delay_days": [365.25, 730.5],
         "risk": [0.1, 0.2]}
    ),
}  # fmt: skip
PLOTS = ("months", "before_after", "area_by_crop", "plans")


def drawn(name, **tables):
    result = tiny_result()
    given = SimpleNamespace(study=result.study, provenance=result.provenance, **tables)
    with plt.rc_context(frame.STYLE):
        figure = plt.figure(figsize=(8, 4.6), layout="constrained")
        getattr(mealplots, name)(given, figure)
        figure.draw_without_rendering()
    plt.close(figure)
    return figure


def texts(figure):
    said = (item.get_text() for item in figure.findobj(lambda artist: hasattr(artist, "get_text")))
    return " ".join(" ".join(said).replace("\u202f", " ").split())


@pytest.mark.parametrize("name", PLOTS)
def test_without_tables_each_says_so(name) -> None:
    assert "aucun" in texts(drawn(name))
    assert "aucun" in texts(drawn(name, **dict.fromkeys(TABLES)))


@pytest.mark.parametrize("name", PLOTS)
def test_with_tables_none_says_that_there_is_nothing(name) -> None:
    assert "à montrer" not in texts(drawn(name, **TABLES))


def test_months_stack_what_becomes_of_the_harvest() -> None:
    figure = drawn("months", **TABLES)
    axes = figure.axes[0]
    tops = [bar.get_y() + bar.get_height() for bar in axes.patches]
    assert max(tops) == pytest.approx(2.0)
    line = axes.lines[0].get_ydata()
    assert line[0] == pytest.approx(3.0)
    assert line[8] == pytest.approx(4.0)  # bread is not grown: not counted
    assert "groupes comptés : légumes" in texts(figure)


def test_shares_are_those_of_all_canteens_the_whole_last() -> None:
    axes = drawn("before_after", **TABLES).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["$x$", "ensemble"]
    assert axes.lines[1].get_xdata().tolist() == pytest.approx([40.0, 70.0])


def test_crops_by_area_with_blocks_to_check_apart() -> None:
    axes = drawn("area_by_crop", **TABLES).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["lait", "lentilles"]
    assert sorted(bar.get_width() for bar in axes.patches) == pytest.approx([0.0, 1.0, 2.0, 9.0])


def test_plans_tell_cost_meals_and_months() -> None:
    figure = drawn("plans", **TABLES)
    assert "12 mois" in texts(figure)
    assert "24 mois" in texts(figure)
    points = figure.axes[0].collections[0].get_offsets().tolist()
    assert points == [[1.0, 100.0], [9.0, 300.0]]

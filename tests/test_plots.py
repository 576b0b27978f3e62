"""Plots: numbers checked by hand on nine squares, French, and any text drawn as it stands."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from itertools import pairwise

import matplotlib as mpl
import pandas as pd
import pytest
from hostile import PAYLOADS, planted
from tiny import tiny_result

from friches import tables
from friches.demand import demand, yearly
from friches.errors import InputError
from friches.view import inert, pareto
from friches.view.plots import PLOTS

mpl.use("agg")


def texts(figure) -> str:
    figure.draw_without_rendering()
    said = (item.get_text() for item in figure.findobj(lambda artist: hasattr(artist, "get_text")))
    return " ".join(" ".join(said).split())  # lines are broken where they fit


def without(result, *names):
    return replace(result, **{name: getattr(result, name).iloc[:0] for name in names})


@pytest.mark.parametrize("name", PLOTS)
def test_every_plot_names_place_day_hedge_and_sources(name: str) -> None:
    said = texts(tiny_result().plot(name))
    assert "Carré (territoire fictif), 1er septembre 2026" in said
    assert "à confirmer sur le terrain" in said
    assert "Sources : DGFiP - cadastre, juin 2026." in said


def test_fictitious_is_said_once_and_only_where_it_is_so() -> None:
    assert "fictif" not in texts(tiny_result(fictitious=False, name="Carré").plot("confidence"))
    assert texts(tiny_result(name="Carré").plot("confidence")).count("(territoire fictif)") == 1
    assert texts(tiny_result().plot("confidence")).count("territoire fictif") == 1


@pytest.mark.parametrize("name", PLOTS)
def test_same_picture_twice(name: str) -> None:
    drawn = []
    for _ in range(2):
        made = BytesIO()
        tiny_result().plot(name).savefig(made, format="png", metadata={"Software": None})
        drawn.append(made.getvalue())
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("name", PLOTS)
def test_any_text_is_drawn_as_it_stands(name: str) -> None:
    result = tiny_result(name=PAYLOADS[4])
    result = replace(
        result,
        meals=result.meals.assign(food_group="$\\frac{1}$ et $x"),
        routes=result.routes.assign(title="$\\frac{1}$ et $x"),
        provenance=result.provenance.assign(attribution=PAYLOADS[9]),
    )
    # a missing glyph or mathematics would warn, and a warning is an error here
    said = texts(result.plot(name))
    assert PAYLOADS[4] in said
    assert inert.clean(PAYLOADS[9]) in said
    if name in ("routes", "needs_and_supply"):
        assert "$\\frac{1}$ et $x" in said


@pytest.mark.parametrize("name", PLOTS)
def test_all_payloads_at_once(name: str) -> None:
    texts(planted(tiny_result()).plot(name))


@pytest.mark.parametrize("name", PLOTS)
def test_plots_of_nothing(name: str) -> None:
    empty = without(
        tiny_result(), "blocks", "members", "meals", "matches", "routes", "steps", "reach",
        "canteens", "farmers", "fallow", "provenance",
    )  # fmt: skip
    said = texts(empty.plot(name))
    assert any(word in said for word in ("aucun", "rien à montrer"))
    assert "Sources : non indiquées" in said


@pytest.mark.parametrize("name", PLOTS)
def test_public_plots_have_no_parcel(name: str) -> None:
    said = texts(tiny_result(audience="public").plot(name))
    assert "parcelle" not in said
    assert "12999" not in said


def test_unknown_plot_is_refused_with_the_choices() -> None:
    with pytest.raises(InputError, match="needs_and_supply, area_by_stage, routes, confidence"):
        tiny_result().plot("autre")


def test_pyplot_keeps_no_figure() -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    tiny_result().plot("confidence")
    assert plt.get_fignums() == before


def _series(figure, label: str) -> dict[str, tuple[float, float, float]]:
    """What is drawn of a series: by row, low, central and high (t)."""
    axes = figure.axes[0]
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    lines = axes.get_lines()
    at = next(n for n, line in enumerate(lines) if line.get_label() == label)
    low, high, central = (lines[n].get_xdata() for n in (at - 2, at - 1, at))
    return {n: three for n, *three in zip(names, low, central, high, strict=True)}


def test_needs_and_supply_by_hand() -> None:
    figure = tiny_result().plot("needs_and_supply")
    grown = _series(figure, "récolte des îlots «\u00a0probable\u00a0»")
    assert grown["légumes"] == pytest.approx([6.4, 14.4, 28.8])
    lacking = _series(figure, "ce qui manque en bio aux cantines")
    gaps = yearly(demand(tiny_result().canteens, 1.0)).set_index("food_group")
    wanted = gaps.loc["pain", ["gap_low", "gap", "gap_high"]].to_numpy(float) / 1000
    assert lacking["pain"] == pytest.approx(wanted.tolist())
    assert "tonnes par an" in texts(figure)


def test_unknown_organic_share_draws_no_central_value() -> None:
    result = tiny_result()
    result = replace(result, canteens=result.canteens.assign(organic_share=float("nan")))
    low, central, high = _series(
        result.plot("needs_and_supply"), "ce qui manque en bio aux cantines"
    )["pain"]
    assert low == 0
    assert pd.isna(central)
    assert high > 0


def test_area_by_stage_by_hand() -> None:
    figure = tiny_result().plot("area_by_stage")
    said = texts(figure)
    assert all(stage in said for stage in tables.STAGES)
    widths = [[round(bar.get_width(), 2) for bar in box] for box in figure.axes[0].containers]
    assert widths[0][tables.STAGES.index("arbustive basse")] == 2.01
    assert widths[1][-1] == 1.0  # stage unknown, answer unknown
    assert sum(map(sum, widths)) == pytest.approx(3.01)
    assert "2,01 ha" in said
    hatches = {box[0].get_hatch() for box in figure.axes[0].containers}
    assert len(hatches) == 2  # told apart on grey paper


def test_routes_by_hand() -> None:
    drawn, closed = pareto._routes(tiny_result())
    assert drawn[["share", "some_open"]].to_numpy().tolist() == [[100.0, False]]
    assert drawn["on"].iloc[0] == pd.Timestamp("2028-01-01")
    assert closed == ["Bien présumé sans maître"]
    said = texts(tiny_result().plot("routes"))
    assert "fermées partout : Bien présumé sans maître" in said
    assert "relu par un juriste" in said
    assert "janv. 2028" in said


def test_share_counts_land_and_not_blocks() -> None:
    result = tiny_result()
    closed = result.routes["block_id"].eq("B001") & result.routes["order"].eq(1)
    routes = result.routes.assign(answer=result.routes["answer"].mask(closed, other=False))
    drawn, _ = pareto._routes(replace(result, routes=routes))
    assert drawn["share"].tolist() == pytest.approx([100 * 1.0 / 3.01])


@pytest.mark.parametrize(
    ("points", "kept"),
    [
        ([("2027-01-01", 50.0), ("2028-01-01", 60.0)], [0, 1]),
        ([("2027-01-01", 60.0), ("2028-01-01", 60.0)], [0]),  # later for as much: beaten
        ([("2027-01-01", 60.0), ("2027-01-01", 50.0)], [0]),
        ([("2028-01-01", 60.0), ("2027-01-01", 50.0), ("2029-01-01", 55.0)], [1, 0]),
    ],
)
def test_front_keeps_what_no_other_beats(points, kept) -> None:
    table = pd.DataFrame(points, columns=["on", "share"])
    table["on"] = pd.to_datetime(table["on"])
    assert pareto._front(table).index.tolist() == kept


def test_labels_of_routes_do_not_touch() -> None:
    at = pareto._apart(pd.Series([100.0, 99.0, 99.0, 5.0, 0.0]), 15)
    assert all(a - b >= 15 for a, b in pairwise(at))
    assert min(at) >= 0


def test_confidence_by_hand() -> None:
    figure = tiny_result().plot("confidence")
    titles = [axes.get_title(loc="left").replace("\u00a0", " ") for axes in figure.axes]
    assert titles == ["probable (2 parcelles)", "à confirmer (1 parcelle)", "non (6 parcelles)"]
    heights = [[bar.get_height() for bar in axes.patches] for axes in figure.axes]
    assert heights[1].index(1) == 10  # 50 to 55 %
    assert [sum(h) for h in heights] == [2, 1, 6]
    public = tiny_result(audience="public").plot("confidence")
    assert public.axes[0].get_title(loc="left").replace("\u00a0", " ") == "probable (1 îlot)"

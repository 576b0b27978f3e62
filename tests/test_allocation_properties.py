"""The allocation against brute force, bounds, conservation, and what more land or canteens do."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from allocated import (
    LAMB,
    LENTIL,
    LIMITS,
    NO_RULES,
    POTATO,
    VEG,
    WHEAT,
    blocks,
    calendar,
    demand,
    farmers,
    reach,
    run,
    supply,
)  # fmt: skip
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from friches.allocation import spread
from friches.allocation.arrays import Tables
from friches.allocation.checked import checked
from friches.allocation.given import given as read
from friches.allocation.parameters import parameters
from friches.allocation.programme import programme
from friches.allocation.solve import solve

CROPS = (VEG, POTATO, LENTIL, WHEAT, LAMB)
SLOW = settings(max_examples=7, deadline=None, derandomize=True)


def territory(
    seed, *, n_blocks=3, n_farms=2, n_canteens=2, months=range(1, 13), keeps=(LENTIL, WHEAT)
):
    """Draw the tables of a small territory."""
    rng = np.random.default_rng(seed)
    ids = [f"B{i}" for i in range(n_blocks)]
    crops = rng.choice(CROPS, 3, replace=False)
    grown = [
        (
            b,
            c,
            float(rng.uniform(0.2, 3)),
            float(rng.uniform(300, 3000)),
            float(rng.choice([1, 0.5])),
        )
        for b in ids
        for c in crops
        if rng.random() < 0.8
    ]
    usable = {b: float(rng.uniform(0.2, 3)) for b in ids}
    grown = [(b, c, usable[b], kg, share) for b, c, _, kg, share in grown]
    said = [("F0", None, None), ("F1", "maraichage;ovins", 1.0), ("F2", None, 0.6)][:n_farms]
    said = [(f, p, w if w is None else float(rng.uniform(0.2, 2))) for f, p, w in said]
    trips = [(b, f, "farm", float(rng.uniform(1, 30))) for b in ids for f, *_ in said]
    trips += [
        (b, f"C{k}", "canteen", float(rng.uniform(1, 70))) for b in ids for k in range(n_canteens)
    ]
    groups = ("légumes", "pommes de terre", "légumes secs", "pain", "agneau")
    rows = [
        (f"C{k}", group, float(rng.uniform(5, 150)), float(rng.uniform(0, 0.8)))
        for k in range(n_canteens)
        for group in groups
    ]
    return {
        "given_blocks": blocks(*ids),
        "given_supply": supply(*grown),
        "given_reach": reach(*trips),
        "given_farmers": farmers(*said),
        "given_demand": demand(*rows),
        "calendar": calendar(months=months, keeps=keeps, lost=0.1),
    }


def tables(said):
    return checked(Tables(
        said["given_blocks"], said["given_supply"], said["given_reach"], said["given_farmers"],
        said["given_demand"], None, said["calendar"], said.get("rules", NO_RULES),
        LIMITS.minutes_to_farm, LIMITS.minutes_to_canteen,
    ))  # fmt: skip


# ------------------------------------------------------------------ brute force


def by_brute_force(said):
    """Return the most meals: every choice of one farm a block, each a plain linear programme."""
    known = read(tables(said))
    count = len(known.names.blocks)
    arcs = [[-1, *known.arcs.farmer[known.arcs.block == b].tolist()] for b in range(count)]
    return max(_of_choice(known, choice) for choice in product(*arcs))


def _of_choice(known, choice):
    names = known.names
    grows = {}
    for arc, (block, farmer) in enumerate(zip(known.arcs.block, known.arcs.farmer, strict=True)):
        grows[block, farmer] = known.teams.grows[known.arcs.team[arc]]
    lots = [
        row for row in range(len(known.offer.block))
        if choice[known.offer.block[row]] >= 0
        and grows[known.offer.block[row], choice[known.offer.block[row]]][known.offer.crop[row]]
    ]  # fmt: skip
    if not lots:
        return 0.0
    sends = [
        (i, k, m)
        for i, row in enumerate(lots)
        for k in range(len(names.kitchens))
        for m in range(12)
        if np.isfinite(known.to_canteen[known.offer.block[row], k])
    ]
    size, n = len(lots), len(names.blocks)
    width = size + n + len(sends)  # ha of a crop, ha taken of a block, kg sent
    a, b = [], []

    def row(upper):
        a.append(np.zeros(width))
        b.append(upper)
        return a[-1]

    area = np.zeros(n)
    np.maximum.at(area, known.offer.block, known.offer.usable)
    for block in range(n):
        row(area[block])[size + block] = 1
        line = row(0.0)
        line[size + block] = -1
        line[[i for i, r in enumerate(lots) if known.offer.block[r] == block]] = 1
    for i, r in enumerate(lots):
        line = row(0.0)
        line[i], line[size + known.offer.block[r]] = 1, -known.offer.share[r]
        months = [range(12)] if known.keeps[known.offer.crop[r]] else [[m] for m in range(12)]
        for held in months:
            line = row(0.0)
            sold = sum(known.share[known.offer.crop[r], m] for m in held)
            line[i] = -known.offer.kg_ha[r, 1] * sold
            line[[size + n + s for s, (j, _, m) in enumerate(sends) if j == i and m in held]] = 1
    for farmer, wants in enumerate(known.wants):
        if np.isfinite(wants):
            row(wants)[[size + x for x in range(n) if choice[x] == farmer]] = 1
    for k, g, m in np.ndindex(known.room.shape):
        row(known.room[k, g, m])[
            [size + n + s for s, (i, kk, mm) in enumerate(sends)
             if (kk, mm) == (k, m) and known.group[known.offer.crop[lots[i]]] == g]
        ] = 1  # fmt: skip
    cost = np.zeros(width)
    cost[size + n :] = [-known.per_kg[k] for _, k, _ in sends]
    return -linprog(cost, A_ub=np.array(a), b_ub=b, method="highs").fun


@pytest.mark.parametrize("seed", range(6))
def test_no_choice_of_farms_feeds_more(seed):
    said = territory(seed, months=range(1, 13) if seed % 2 else [3, 7, 8])
    # Least hectares apart: brute force has none, so it may only find more.
    best, found = by_brute_force(said), run(**said).solved
    assert found["meals"] <= best * (1 + 1e-6)
    assert found["meals"] >= best * (1 - 1e-5) - 0.1 * 3000 * 3 * (found["gap"] > 1e-5)
    assert found["bound"] >= found["meals"]


# ------------------------------------------------------------------ other ways to solve it


@pytest.mark.parametrize("seed", range(4))
def test_rounding_and_cuts_come_close_to_whole_numbers(seed, monkeypatch):
    said = territory(seed, n_blocks=8, n_farms=3, n_canteens=3)
    built = programme(read(tables(said)))
    exact = solve(built)
    rounded = solve(built, exact=False)
    monkeypatch.setattr(
        "friches.allocation.solve.parameters", lambda: parameters()._replace(flows=0)
    )
    cut = solve(built, exact=False)
    meals = [_meals(built, one) for one in (exact, rounded, cut)]
    assert rounded.bound >= meals[0] * (1 - 1e-9)
    assert meals[1] <= meals[0] * (1 + 1e-6)
    assert meals[1:] == pytest.approx([meals[0]] * 2, rel=0.1)  # 8 blocks: one is a lot


def _meals(built, solution):
    start = built.starts[2]
    worth = built.given.per_kg[built.plates.kitchen] * built.unit
    return float(worth @ solution.x[start:])


# ------------------------------------------------------------------ what always holds


@SLOW
@given(st.integers(0, 10_000))
def test_nothing_is_lost_from_sight(seed):
    found = run(**territory(seed))
    said = found.balance
    right = said["delivered"] + said["sold_elsewhere"] + said["lost"]
    assert np.allclose(said["grown"], right, rtol=1e-9, atol=1e-9)
    # Deliverable kilograms of the plots are delivered or sold, to the gram.
    out = said.groupby("food_group")[["delivered", "sold_elsewhere"]].sum().sum(axis=1)
    plots = found.plots.groupby("food_group")["kg"].sum()
    assert np.allclose(out.reindex(plots.index), plots, rtol=1e-9)
    flows = found.flows.groupby(["food_group", "month"])["kg"].sum()
    told = said.set_index(["food_group", "month"])["delivered"]
    assert np.allclose(told[told > 0], flows.reindex(told.index)[told > 0], rtol=1e-9)


@SLOW
@given(st.integers(0, 10_000))
def test_no_limit_is_passed(seed):
    said = territory(seed)
    found = run(**said)
    usable = said["given_supply"].groupby("block_id")["usable_ha"].max()
    taken = found.plots.groupby("block_id")["area_ha"].sum()
    assert (taken <= usable.reindex(taken.index) * (1 + 1e-6)).all()
    assert (found.plots.groupby("block_id")["farmer_id"].agg(lambda ids: len(set(ids))) <= 1).all()
    wants = said["given_farmers"].set_index("farmer_id")["wants_ha"].fillna(np.inf)
    held = found.plots.groupby("farmer_id")["area_ha"].sum()
    assert (held <= wants.reindex(held.index) * (1 + 1e-6)).all()
    keys = ["canteen_id", "food_group", "month"]
    gone = found.flows.groupby(keys)["kg"].sum()
    gap = said["given_demand"].set_index(keys)["gap"]
    assert (gone <= gap.reindex(gone.index) * (1 + 1e-9)).all()
    shares = found.shares
    assert (shares["share_now"] <= shares["share_after"] + 1e-12).all()
    for name in ("share_after", "kg", "meals"):
        assert (shares[f"{name}_low"] <= shares[name] + 1e-9).all()
        assert (shares[name] <= shares[f"{name}_high"] + 1e-9).all()


def meals(said):
    return run(**said).solved["meals"]


@SLOW
@given(st.integers(0, 10_000), st.floats(1, 3))
def test_more_land_never_feeds_fewer_meals(seed, larger):
    said = territory(seed)
    whole = meals(said)
    fewer = dict(said)
    for name in ("given_blocks", "given_supply", "given_reach"):
        fewer[name] = said[name][said[name]["block_id"] != "B0"]
    assert meals(fewer) <= whole * (1 + 1e-5) + 1e-6
    grown = said["given_supply"].assign(usable_ha=lambda t: t["usable_ha"] * larger)
    assert meals(said | {"given_supply": grown}) >= whole * (1 - 1e-5) - 1e-6


@SLOW
@given(st.integers(0, 10_000))
def test_one_more_canteen_never_lowers_the_meals(seed):
    said = territory(seed, n_canteens=3)
    fewer = dict(said)
    fewer["given_demand"] = said["given_demand"][said["given_demand"]["canteen_id"] != "C0"]
    assert meals(fewer) <= meals(said) * (1 + 1e-5) + 1e-6


@SLOW
@given(st.integers(0, 10_000))
def test_the_order_of_rows_changes_nothing(seed):
    said = territory(seed)
    rng = np.random.default_rng(seed)
    mixed = {name: t.iloc[rng.permutation(len(t))] for name, t in said.items()}
    one, two = run(**said), run(**mixed)
    for name in ("plots", "flows", "balance", "shares", "limits", "matches"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    assert one.solved == two.solved


def transported(to, kg, room):
    """Return the most that blocks can send, each to its own canteens (a transport programme)."""
    ways = [(i, place) for i, names in enumerate(to) for place in names]
    rows = np.zeros((len(kg) + len(room), len(ways)))
    for column, (block, place) in enumerate(ways):
        rows[block, column] = rows[len(kg) + room.index.get_loc(place), column] = 1
    return -linprog(-np.ones(len(ways)), A_ub=rows, b_ub=[*kg, *room], method="highs").fun


@SLOW
@given(st.integers(0, 10_000))
def test_no_more_than_free_transport_could_deliver(seed):
    # Each food group alone, all land its own, no farm and no month: a plain transport bound.
    said = territory(seed)
    found = run(**said)
    grown, trips = said["given_supply"], said["given_reach"]
    near = trips[(trips["kind"] == "canteen") & (trips["minutes"] <= 45)]
    to = near.groupby("block_id")["place_id"].apply(tuple)
    for group, rows in grown.groupby("food_group"):
        kg = (rows["usable_ha"] * rows["kg_ha"]).groupby(rows["block_id"]).sum()
        kg = kg[kg.index.isin(to.index)]
        asked = said["given_demand"]
        gap = asked[asked["food_group"] == group].groupby("canteen_id")["gap"].sum()
        most = transported(to.reindex(kg.index), kg, gap) if len(kg) else 0.0
        gone = found.flows.loc[found.flows["food_group"] == group, "kg"].sum()
        assert gone <= most * (1 + 1e-6) + 1e-6


# ------------------------------------------------------------------ low and high


def test_same_seed_same_bytes_other_seed_other_ends():
    said = territory(4)
    said["given_supply"] = said["given_supply"].assign(
        kg_ha_low=lambda t: 0.6 * t["kg_ha"], kg_ha_high=lambda t: 1.3 * t["kg_ha"]
    )
    one, two, other = run(**said), run(**said), run(**said, seed=1)
    pd.testing.assert_frame_equal(one.shares, two.shares)
    pd.testing.assert_series_equal(one.shares["kg"], other.shares["kg"])
    assert not one.shares["kg_low"].equals(other.shares["kg_low"])


def test_yields_at_their_low_end_by_hand(monkeypatch):
    # Every draw at the low end: 60 of 100 kg grown, needs of 90 %: 60 kg arrive of the 90 asked.
    class Low:
        def triangular(self, _a, _b, _c, size):
            return -np.ones(size)

        def random(self, size):
            return np.zeros(size)

    monkeypatch.setattr(np.random, "default_rng", lambda _seed: Low())
    found = run(
        blocks("B1"),
        supply(("B1", VEG, 1.0, (720, 1200, 1500))),
        reach(("B1", "F1", "farm", 5), ("B1", "C1", "canteen", 5)),
        farmers(("F1", None, None)),
        demand(("C1", "légumes", 100, 0.0)),
    )
    row = found.shares.iloc[-1]
    assert row["kg_low"] == pytest.approx(720)
    assert row["share_after_low"] == pytest.approx(720 / 1080)
    assert (row["kg"], row["share_after"]) == pytest.approx((1200, 1.0), rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_scaled_deliveries_never_promise_more_than_solving_again(seed):
    said = territory(seed)
    said["given_supply"] = said["given_supply"].assign(
        kg_ha_low=lambda t: 0.5 * t["kg_ha"], kg_ha_high=lambda t: 1.5 * t["kg_ha"]
    )
    found = run(**said)
    worst = said | {
        "given_supply": said["given_supply"].assign(
            kg_ha=said["given_supply"]["kg_ha_low"], kg_ha_high=said["given_supply"]["kg_ha_low"]
        )
    }
    best = said | {
        "given_supply": said["given_supply"].assign(
            kg_ha=said["given_supply"]["kg_ha_high"], kg_ha_low=said["given_supply"]["kg_ha_high"]
        ),
        "given_demand": said["given_demand"].assign(
            gap=lambda t: t["gap_high"], kg=lambda t: t["kg_high"], meals=lambda t: t["meals_high"],
            gap_low=lambda t: t["gap_high"], kg_low=lambda t: t["kg_high"],
            meals_low=lambda t: t["meals_high"],
        ),
    }  # fmt: skip
    whole = found.shares.query("canteen_id == 'toutes' and food_group == 'tout'").iloc[0]
    assert whole["meals_high"] <= meals(best) * (1 + 1e-6)
    assert whole["meals_low"] <= whole["meals"]
    assert meals(worst) <= whole["meals"] * (1 + 1e-5)
    assert spread.ALL_KITCHENS == "toutes"

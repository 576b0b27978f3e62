"""Delays by the calendar, working days, and the dates of procedures."""

from __future__ import annotations

import datetime as dt
import tomllib
from importlib import resources

import numpy as np
import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from friches.errors import InputError
from friches.judge import Practice, Step, version_on
from friches.scenarios import almanac, chance, field, path, timeline
from friches.scenarios.path import fitted
from friches.scenarios.rule import instruments
from friches.scenarios.timeline import due, forks, graph, holidays, plus, schedule, working_day

D = dt.date
MONTH = 30.44


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        (D(2026, 1, 31), "1 month", D(2026, 2, 28)),
        (D(2028, 1, 31), "1 month", D(2028, 2, 29)),
        (D(2026, 8, 31), "6 months", D(2027, 2, 28)),
        (D(2026, 2, 28), "1 month", D(2026, 3, 28)),
        (D(2028, 2, 29), "1 year", D(2029, 2, 28)),
        (D(2026, 9, 1), "8 days", D(2026, 9, 9)),
        (D(2026, 9, 1), "2 weeks", D(2026, 9, 15)),
    ],
)
def test_delays_run_by_the_calendar_and_stop_at_the_end_of_the_month(start, duration, end):
    assert plus(start, duration) == end


def test_public_holidays_with_easter():
    assert holidays(2026) == {
        D(2026, 1, 1),
        D(2026, 4, 6),  # Easter is 5 April
        D(2026, 5, 1),
        D(2026, 5, 8),
        D(2026, 5, 14),
        D(2026, 5, 25),
        D(2026, 7, 14),
        D(2026, 8, 15),
        D(2026, 11, 1),
        D(2026, 11, 11),
        D(2026, 12, 25),
    }


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (D(2026, 9, 1), D(2026, 9, 1)),  # a Tuesday
        (D(2026, 9, 5), D(2026, 9, 7)),  # a Saturday
        (D(2026, 9, 6), D(2026, 9, 7)),
        (D(2026, 4, 4), D(2026, 4, 7)),  # Easter Saturday: past Monday
        (D(2027, 12, 31), D(2027, 12, 31)),
        (D(2028, 1, 1), D(2028, 1, 3)),  # a Saturday and a holiday
        (D(2026, 7, 14), D(2026, 7, 15)),
    ],
)
def test_a_delay_that_ends_on_no_working_day_runs_to_the_next(day, expected):
    assert working_day(day) == expected


def test_due_is_the_calendar_then_the_working_day():
    assert due(D(2026, 2, 6), "2 months") == D(2026, 4, 7)  # 6 April 2026 is Easter Monday


# ----------------------------------------------------------------------------- graph
def step(name, after=(), **said):
    return Step(id=name, after=list(after), **({"lasts": "1 month"} | said))


def test_a_circle_of_steps_is_refused():
    with pytest.raises(InputError, match="cercle"):
        graph([step("a", ["b"]), step("b", ["a"])], "essai")


def test_a_step_that_waits_for_none_is_refused():
    with pytest.raises(InputError, match="n'existe pas"):
        graph([step("a", ["z"])], "essai")


def test_a_step_without_duration_is_refused():
    with pytest.raises(InputError, match="sans durée"):
        schedule([step("a", lasts=None)], D(2026, 9, 1))


def test_an_unknown_branch_is_refused():
    with pytest.raises(InputError, match="branche"):
        schedule([step("a", branch="x")], D(2026, 9, 1), "y")


def test_a_step_waits_for_the_last_of_those_before_it():
    dates = schedule([step("a"), step("b", lasts="3 months"), step("c", ["a", "b"])], D(2026, 9, 1))
    assert dates["c"][0] == (D(2026, 12, 1),) * 3
    assert dates["c"][1] == (D(2027, 1, 4),) * 3  # 1 January is a holiday, then a weekend


def test_forks_low_is_the_shorter_high_the_longer_central_the_expected():
    steps = [
        step("ask"),
        step("silent", ["ask"], branch="s", lasts="2 months"),
        step("commits", ["ask"], branch="c", lasts="12 months"),
        step("record", ["silent", "commits"]),
    ]
    for expected, central in (("s", D(2026, 12, 1)), ("c", D(2027, 10, 1))):
        starts = schedule(steps, D(2026, 9, 1), expected)["record"][0]
        assert starts == (D(2026, 12, 1), central, D(2027, 10, 1))


def test_an_optional_step_counts_in_the_high_dates_alone():
    steps = [step("a"), step("court", ["a"], optional=True), step("b", ["a", "court"])]
    starts = schedule(steps, D(2026, 9, 1))["b"][0]
    assert starts == (D(2026, 10, 1), D(2026, 10, 1), D(2026, 11, 2))


def test_practice_never_beats_a_delay_that_the_text_fixes():
    quick = Practice(low="1 day", central="1 day", high="3 months", source="essai")
    for key in ("lasts", "at_least"):
        one = Step(id="a", practice=quick, **{key: "2 months"})
        ends = timeline.end(one, (D(2026, 9, 1),) * 3)
        assert ends == (D(2026, 11, 2), D(2026, 11, 2), D(2026, 12, 1))
    within = step("a", lasts=None, practice=quick, within="2 months")
    assert timeline.end(within, (D(2026, 9, 1),) * 3)[0] == D(2026, 9, 2)


# ------------------------------------------------------------------ the four procedures
def l125(branch):
    steps = version_on(instruments()["l125_individuel"], D(2026, 9, 1)).step
    out = {"silence", "engagement"} - {branch}
    return fitted(steps, " ".join(f"-{s.id}" for s in steps if s.branch in out))


def statutory(steps, until):
    total = relativedelta()
    for one in steps:
        delay = one.within or one.lasts or one.at_least
        if delay and not one.optional:
            count, unit = delay.rstrip("s").split(" ")
            total += relativedelta(**{f"{unit}s": int(count)})
        if one.id == until:
            return total
    raise AssertionError(until)


def test_statutory_delays_of_the_individual_procedure_add_up():
    assert statutory(l125("silence"), "bail") == relativedelta(months=7, days=23)
    assert statutory(l125("engagement"), "bail") == relativedelta(years=1, months=7, days=38)


@pytest.mark.parametrize(("branch", "months"), [("silence", (8, 11)), ("engagement", (20, 24))])
@pytest.mark.parametrize("day", [D(2026, 9, 1), D(2026, 1, 31), D(2027, 12, 20)])
def test_floor_of_the_individual_procedure(branch, months, day):
    land = schedule(l125(branch), day)["bail"][1][0]
    assert months[0] * MONTH <= (land - day).days <= months[1] * MONTH


def test_the_individual_procedure_joins_both_branches():
    document = instruments()["l125_individuel"]
    steps = version_on(document, D(2026, 9, 1)).step
    joined = schedule(steps, D(2026, 9, 1), "silence")["bail"][1]
    silent = schedule(l125("silence"), D(2026, 9, 1))["bail"][1]
    commits = schedule(l125("engagement"), D(2026, 9, 1))["bail"][1]
    assert joined == (silent[0], silent[1], commits[2])


def test_without_owner_waits_six_months_and_never_deliberates_after_six_more():
    steps = version_on(instruments()["sans_maitre_2"], D(2026, 9, 1)).step
    dates = schedule(steps, D(2026, 9, 1))
    for before, after in zip(*dates["attente"], strict=True):
        assert after == due(before, "6 months")
    for before, after in zip(*dates["deliberation"], strict=True):
        assert after <= due(before, "6 months")
    assert D(2027, 3, 1) < dates["bail"][1][0] < dates["bail"][1][1] < D(2028, 3, 1)


@settings(max_examples=40, deadline=None)
@given(st.dates(D(2024, 7, 1), D(2060, 1, 1)), st.sampled_from(sorted(instruments())))
def test_low_central_high_never_cross_and_no_step_starts_early(day, name):
    document = instruments()[name]
    steps = version_on(document, day).step
    dates = schedule(steps, day, str(document.about.get("expected_branch", "")))
    before = {s.id: s for s in steps}
    for one, (starts, ends) in dates.items():
        assert starts[0] <= starts[1] <= starts[2]
        assert ends[0] <= ends[1] <= ends[2]
        assert all(a <= b for a, b in zip(starts, ends, strict=True))
        assert all(working_day(d) == d for d in ends)
        for other in before[one].after:
            if not before[other].branch and not before[other].optional:
                assert all(a <= b for a, b in zip(dates[other][1], starts, strict=True))


# --------------------------------------------------------------------------- the field
BIRDS = field.Season.read("08-16", "03-15")


def test_works_wait_for_the_season_and_stop_with_it():
    assert field.works(D(2027, 3, 15), "2 weeks", None) == (D(2027, 3, 15), D(2027, 3, 29))
    assert field.works(D(2027, 3, 16), "2 weeks", BIRDS) == (D(2027, 8, 16), D(2027, 8, 30))
    # one week before the close, then the second from 16 August on
    assert field.works(D(2027, 3, 8), "2 weeks", BIRDS) == (D(2027, 3, 8), D(2027, 8, 23))
    assert field.works(D(2026, 12, 20), "1 week", BIRDS) == (D(2026, 12, 20), D(2026, 12, 27))


def test_organic_conversion_is_two_years_three_for_trees_or_recognised():
    land = (D(2027, 1, 1),) * 3
    assert field.conversion(land, "annual", True) == (land[0], D(2029, 1, 1), D(2029, 1, 1))
    assert field.conversion(land, "annual", False) == (D(2029, 1, 1),) * 3
    assert field.conversion(land, "perennial", False) == (D(2030, 1, 1),) * 3


def test_annual_crops_are_sown_after_conversion_and_trees_planted_before():
    cleared, converted = (D(2027, 1, 15),) * 3, (D(2029, 2, 1),) * 3
    sown, ripe = field.harvest(cleared, converted, field.crop_of("légumes"))
    assert sown == (D(2029, 3, 1),) * 3
    assert ripe == (D(2029, 5, 1), D(2029, 6, 1), D(2029, 7, 1))
    planted, fruit = field.harvest(cleared, (D(2030, 1, 15),) * 3, field.crop_of("fruits"))
    assert planted == cleared
    assert fruit == (D(2030, 1, 15), D(2031, 1, 15), D(2033, 1, 15))


def test_every_stage_has_its_works_and_every_group_its_calendar():
    from friches.tables import STAGES

    assert set(field.figures()["clearing"]["stages"]) == set(STAGES)
    for group in field.figures()["crops"]["groups"].values():
        assert group["life"] in ("annual", "perennial")
    assert field.crop_of("inconnu au bataillon") is field.crop_of(field.OTHER)
    for part in ("conversion", "recognition", "works", "clearing", "crops"):
        assert field.figures()[part]["source"]
        assert field.figures()[part]["mark"]


def test_every_food_group_that_is_grown_has_its_calendar():
    crops = tomllib.loads((resources.files("friches") / "food" / "crops.toml").read_text("utf-8"))
    groups = {crop["food_group"] for crop in crops["crop"]}
    assert groups <= set(field.figures()["crops"]["groups"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dates(D(2026, 1, 1), D(2040, 1, 1)), min_size=3, max_size=3).map(sorted).map(tuple),
    st.sampled_from([None, *sorted(field.figures()["clearing"]["stages"])]),
    st.sampled_from([None, *sorted(field.figures()["crops"]["groups"])]),
    st.booleans(),
)
def test_from_land_to_plate_dates_never_cross(land, stage, group, recognisable):
    rows = field.field_rows(land, stage, group, recognisable)
    assert [r["step"] for r in rows][-1] == ("premier_repas" if group else "remise_en_etat")
    for row in rows:
        for what in ("starts_on", "ends_on"):
            assert row[f"{what}_low"] <= row[what] <= row[f"{what}_high"]
        for suffix, day in zip(timeline.SUFFIXES, land, strict=True):
            assert row[f"starts_on{suffix}"].date() >= day
            assert row[f"ends_on{suffix}"] >= row[f"starts_on{suffix}"]


# ------------------------------------------------------------- the calendar as tables
START = st.dates(D(2024, 7, 1), D(2060, 1, 1))


@settings(max_examples=60, deadline=None)
@given(START, st.sampled_from(["0 days", "8 days", "2 weeks", "1 month", "6 months", "3 years"]))
def test_the_almanac_counts_as_the_calendar_does(day, duration):
    one = np.array([almanac.number(day)], dtype=np.int32)
    moved = almanac.plus(one, duration)
    assert almanac.timestamps(moved)[0] == np.datetime64(plus(day, duration))
    assert almanac.timestamps(almanac.working(moved))[0] == np.datetime64(due(day, duration))


@settings(max_examples=60, deadline=None)
@given(START, st.integers(1, 40))
def test_works_by_the_almanac_stop_and_go_on_as_one_by_one(day, weeks):
    for season in (BIRDS, field.Season.read("03-01", "07-31")):
        start, end = field.works(day, f"{weeks} weeks", season)
        one = np.array([almanac.number(day)], dtype=np.int32)
        opened = almanac.opening(one, season)
        assert almanac.timestamps(opened)[0] == np.datetime64(start)
        lasting = np.array([7 * weeks], dtype=np.int32)
        assert almanac.timestamps(almanac.worked(opened, lasting, season))[0] == np.datetime64(end)


def test_a_day_beyond_the_almanac_is_refused():
    with pytest.raises(ValueError, match="almanac"):
        almanac.number(D(1999, 12, 31))
    assert almanac.number(D(2000, 1, 1)) == 0


# -------------------------------------------------------------------------------- forks
CHANCE = {"low": 0.1, "central": 0.3, "high": 0.5, "source": "essai", "mark": "ASSUMPTION"}


def test_two_forks_in_a_row_are_two_forks():
    steps = [
        step("ask"),
        step("quick", ["ask"], branch="q"),
        step("slow", ["ask"], branch="s", lasts="6 months"),
        step("then", ["quick", "slow"]),
        step("yes", ["then"], branch="y"),
        step("no", ["then"], branch="n", lasts="12 months"),
        step("end", ["yes", "no"]),
    ]
    assert forks(steps) == [["q", "s"], ["y", "n"]]
    assert schedule(steps, D(2026, 9, 1))["end"][0] == (D(2027, 1, 4), D(2027, 1, 4), D(2028, 5, 3))
    starts = schedule(steps, D(2026, 9, 1), "s n")["end"][0]
    assert starts[1] == starts[2]


# ------------------------------------------------------------- critical path and floor
def test_the_critical_path_is_what_the_last_step_waited_for():
    steps = [
        step("a"),
        step("b", ["a"], lasts="3 months"),
        step("c", ["a"], lasts="1 month"),
        step("court", ["b"], lasts="9 months", optional=True),
        step("end", ["b", "c", "court"]),
    ]
    dates = schedule(steps, D(2026, 9, 1))
    assert path.critical(steps, dates, "end") == ["a", "b", "end"]
    needed = fitted(steps, "+court")
    dates = schedule(needed, D(2026, 9, 1))
    assert path.critical(needed, dates, "end") == ["a", "b", "court", "end"]


def test_the_legal_floor_counts_only_what_nobody_may_shorten():
    usual = Practice(low="1 month", central="2 months", high="3 months", source="essai")
    steps = [
        step("a", lasts=None, practice=usual),
        step("b", ["a"], lasts="2 months", practice=usual),
        step("c", ["b"], lasts=None, within="5 years"),
        step("d", ["c"], lasts=None, at_least="15 days"),
    ]
    assert path.floor(steps, D(2026, 9, 1), "d") == D(2026, 11, 17)


# ------------------------------------------------------------------------- Monte Carlo
def drawn(steps, **changed):
    starts = np.full(chance.figures()["draws"], almanac.number(D(2026, 9, 1)), dtype=np.int32)
    return chance.run(steps, starts, chance.figures() | changed, "essai")


@settings(max_examples=20, deadline=None)
@given(START, st.sampled_from(sorted(instruments())))
def test_draws_stay_within_the_low_and_high_dates(day, name):
    document = instruments()[name]
    steps = version_on(document, day).step
    dates = schedule(steps, day, str(document.about.get("expected_branch", "")))
    starts = np.full(chance.figures()["draws"], almanac.number(day), dtype=np.int32)
    ends, passed = chance.run(steps, starts, chance.figures(), name)
    optional = {one.id for one in steps if one.optional}
    for one, (_, (low, _, high)) in dates.items():
        if one in optional:  # where it is not called for, it takes no time
            continue
        days = almanac.timestamps(ends[one][passed[one]])
        assert (days >= np.datetime64(low)).all()
        assert (days <= np.datetime64(high)).all()


def test_draws_are_the_same_each_time_and_do_not_depend_on_other_steps():
    usual = Practice(low="1 month", central="2 months", high="9 months", source="essai")
    steps = [step("a", lasts=None, practice=usual), step("b", lasts=None, practice=usual)]
    first, again = drawn(steps)[0], drawn(steps[:1])[0]
    assert (first["a"] == again["a"]).all()
    assert (first["a"] != first["b"]).any()
    assert (drawn(steps, seed=1)[0]["a"] != first["a"]).any()


def test_branches_are_taken_by_their_chances():
    steps = [
        step("ask"),
        step("often", ["ask"], branch="o", chance=CHANCE | {"central": 0.5}),
        step("rare", ["ask"], branch="r", chance=CHANCE),
        step("other", ["ask"], branch="x"),
        step("end", ["often", "rare", "other"]),
    ]
    passed = drawn(steps)[1]
    taken = {name: passed[name].mean() for name in ("often", "rare", "other", "end")}
    assert taken["often"] + taken["rare"] + taken["other"] == pytest.approx(1)
    assert taken["end"] == 1
    for name, share in (("often", 0.5), ("rare", 0.3), ("other", 0.2)):
        assert taken[name] == pytest.approx(share, abs=0.08)


def test_the_beta_pert_law_leans_to_the_central_duration():
    usual = Practice(low="10 days", central="20 days", high="100 days", source="essai")
    days = drawn([step("a", lasts=None, practice=usual)])[0]["a"] - almanac.number(D(2026, 9, 1))
    assert days.min() >= 10
    assert days.max() <= 102  # moved to a working day
    assert np.mean(days) == pytest.approx((10 + 4 * 20 + 100) / 6, abs=5)


def test_every_chance_has_a_source_and_is_marked_as_supposed():
    said = chance.figures()
    for part in (said["optional"], said["recognition"], *said["hazard"]):
        assert part["low"] <= part["central"] <= part["high"] <= 1
        assert part["source"]
        assert part["mark"] == "ASSUMPTION"

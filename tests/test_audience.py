"""What each of the three audiences may see."""

from __future__ import annotations

from dataclasses import fields, replace

import pandas as pd
import pytest
from tiny import IDS, tiny_result

from friches.view.audience import visible


def _everything(result) -> str:
    said = []
    for field in fields(result):
        value = getattr(result, field.name)
        if isinstance(value, pd.DataFrame):
            said.append(value.drop(columns="geometry", errors="ignore").to_csv())
    return "\n".join(said)


def _with_names(**about):
    result = tiny_result(**about)
    owners = pd.DataFrame(
        {
            "parcel_id": [IDS[0]],
            "owner_kind": ["natural"],
            "owner_group": [None],
            "land_class": ["pré"],
            "name": ["NOM INVENTÉ"],
        }
    )
    routes = result.routes.copy()
    routes["to_ask"] = f"Parcelles {IDS[0]}, {IDS[1]} : une force majeure ?"
    routes["to_ask"] = routes["to_ask"].astype("category")  # as a run has it
    return replace(result, owners=owners, routes=routes)


@pytest.mark.parametrize("audience", ["public", "internal", "restricted"])
def test_p9_no_owner_name_in_common_files(audience: str) -> None:
    assert "NOM INVENTÉ" not in _everything(visible(_with_names(audience=audience)))


def test_p3_public_sees_no_parcel_number_no_farmer() -> None:
    shown = visible(_with_names(audience="public"))
    said = _everything(shown)
    assert not [pid for pid in IDS if pid in said]
    assert "Ferme fictive du Carré" not in said
    assert "cherche 5 ha" not in said
    assert len(shown.parcels) == 9
    assert set(shown.parcels.dropna(axis=1, how="all").columns) == {"commune", "geometry"}
    assert list(shown.blocks["owners_said"]) == ["1 à 2", "1 à 2"]
    assert shown.blocks["n_owners_low"].isna().all()
    assert shown.matches["farmer_id"].iloc[0] == "F001" == shown.farmers["farmer_id"].iloc[0]
    assert set(shown.reach.loc[shown.reach["kind"] == "farm", "place_id"]) == {"F001"}


def test_p11_public_keeps_more_than_two_owners() -> None:
    result = _with_names(audience="public")
    result.blocks["n_owners_low"] = [2, 3]
    shown = visible(result)
    assert list(shown.blocks["owners_said"]) == ["1 à 2", "au moins 3"]


def test_p9_internal_keeps_its_parcels_and_input_is_untouched() -> None:
    result = _with_names(audience="internal")
    before = _everything(result)
    shown = visible(result)
    assert _everything(result) == before
    assert list(shown.parcels["parcel_id"]) == IDS
    assert list(shown.blocks["owners_said"]) == ["au moins 1", "au moins 1"]


def test_twice_is_once() -> None:
    once = visible(_with_names(audience="public"))
    assert _everything(visible(once)) == _everything(once)


@pytest.mark.parametrize(("owners", "said"), [(1, "1 à 2"), (2, "1 à 2"), (3, "au moins 3")])
def test_p11_one_owner_is_never_singled_out(owners: int, said: str) -> None:
    result = tiny_result(audience="public")
    result.blocks["n_owners_low"] = owners
    shown = visible(result).blocks
    assert set(shown["owners_said"]) == {said}
    assert shown["n_owners_low"].isna().all() == (owners < 3)

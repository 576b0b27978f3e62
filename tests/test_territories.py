"""The same path on real files of three territories, each with what it has and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import friches
from friches.view.output import write

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.shared


def study(folder: Path, name: str, communes: list[str], sources: str) -> Path:
    file = folder / "study.toml"
    listed = ", ".join(f'"{code}"' for code in communes)
    file.write_text(
        f'[study]\nname = "{name}"\ncommunes = [{listed}]\nday = 2026-09-01\n[sources]\n{sources}',
        "utf-8",
    )
    return file


def run(tmp_path, name, communes, sources):
    result = friches.run(friches.open(study(tmp_path, name, communes, sources)))
    out = write(result, tmp_path / "out")
    assert (out / "map.html").stat().st_size > 10_000
    return result


def nothing_invented(result):
    """No parcel is called fallow without campaigns; each unknown says what to ask and whom."""
    assert result.fallow["answer"].fillna(value=False).sum() == 0
    unknown = result.fallow[result.fallow["answer"].isna()]
    assert unknown["to_ask"].notna().all()
    assert result.summary["meals_per_year"] is None or (
        result.summary["meals_per_year"]["central"] in (0, None)
    )
    assert result.summary["first_meal_on"] is None
    assert "declared_fields" in result.summary["missing_layers"]


def test_gennes(shared, tmp_path):
    data = (shared / "data" / "gennes").as_posix()
    result = run(
        tmp_path,
        "Gennes",
        ["25267"],
        f'cadastre = "{data}/parcel.gpkg"\nbuildings = "{data}/building.gpkg"\n'
        f'roads = "{data}/road.gpkg"\nzoning = "{data}/zoning.gpkg"\n',
    )
    assert len(result.parcels) == 828
    assert result.parcels.attrs.get("left_out") == 23
    nothing_invented(result)
    assert result.facts["area_registered_m2"].isna().all()
    zones = result.facts["zone_plu"].value_counts()
    assert zones["U"] > 100
    assert zones["A"] > 50
    built = result.facts["built_share"]
    assert 0 < (built > 0.1).sum() < 400
    excluded = result.fallow[result.fallow["answer"].eq(other=False).fillna(value=False)]
    assert excluded["against"].notna().all()


def test_luxiol(shared, tmp_path):
    sheets = sorted((shared / "data" / "luxiol_edigeo").glob("*.tar.bz2"))
    listed = ", ".join(f'"{p.as_posix()}"' for p in sheets)
    result = run(tmp_path, "Luxiol", ["25354"], f"cadastre = [{listed}]\n")
    assert len(result.parcels) == 511
    assert result.facts["area_m2"].sum() / 10_000 == pytest.approx(611.8, abs=0.1)
    assert result.fallow["answer"].isna().all()
    nothing_invented(result)


@pytest.mark.parametrize(
    ("commune", "parcels", "unregistered"), [("91326", 2859, 4), ("91479", 2857, 6)]
)
def test_essonne(shared, tmp_path, commune, parcels, unregistered):
    file = shared / "data" / "cadastre_etalab" / f"cadastre-{commune}-parcelles.json"
    result = run(tmp_path, f"Essonne {commune}", [commune], f'cadastre = "{file.as_posix()}"\n')
    assert len(result.parcels) == parcels
    assert result.facts["area_registered_m2"].isna().sum() == unregistered
    nothing_invented(result)

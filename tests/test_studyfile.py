"""The study file: what it accepts, what it refuses by name."""

from __future__ import annotations

import pytest

from friches.errors import InputError
from friches.studyfile import read_study

GOOD = """
[study]
name = "Essai"
communes = ["12999"]
day = 2026-09-01
[sources]
cadastre = "parcelles.json"
"""


def read(tmp_path, text):
    file = tmp_path / "study.toml"
    file.write_text(text, "utf-8")
    return read_study(file)


def refused(tmp_path, text):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    return "\n".join(map(str, caught.value.breaches))


def test_only_the_cadastre_is_required(tmp_path):
    study = read(tmp_path, GOOD)
    assert study.crs == "EPSG:2154"
    assert study.files("cadastre") == [tmp_path / "parcelles.json"]
    assert study.files("roads") == []
    assert study.reach.minutes_to_farm == 20
    assert study.goal.organic_share == 1.0


def test_files_may_be_a_list(tmp_path):
    study = read(tmp_path, GOOD.replace('"parcelles.json"', '["a.json", "b.json"]'))
    assert [p.name for p in study.files("cadastre")] == ["a.json", "b.json"]


def test_campaigns_are_years(tmp_path):
    study = read(tmp_path, GOOD + '[sources.declared_fields]\n2023 = "r.gpkg"\n')
    assert study.files("declared_fields", 2023) == [tmp_path / "r.gpkg"]


def test_overseas_projection_follows_the_departement(tmp_path):
    assert read(tmp_path, GOOD.replace("12999", "97411")).crs == "EPSG:2975"


@pytest.mark.parametrize("code", ["1299", "129999", "1299A", "2C001"])
def test_bad_insee_codes(tmp_path, code):
    assert code in refused(tmp_path, GOOD.replace("12999", code))


def test_corsican_codes_are_good(tmp_path):
    assert read(tmp_path, GOOD.replace("12999", "2A004")).study.communes == ["2A004"]


def test_unknown_keys_are_all_named(tmp_path):
    told = refused(tmp_path, GOOD + 'colour = "blue"\n[gaol]\nx = 1\n')
    assert "sources.colour" in told
    assert "gaol" in told


@pytest.mark.parametrize("path", ["/vsizip/a.zip", "https://a.fr/b.json", "WFS:http://a", "PG:x"])
def test_only_local_files(tmp_path, path):
    assert "fichier local" in refused(tmp_path, GOOD.replace("parcelles.json", path))


@pytest.mark.parametrize(("share", "good"), [("1.0", True), ("1.01", False), ("-0.1", False)])
def test_goal_is_a_share(tmp_path, share, good):
    text = GOOD + f"[goal]\norganic_share = {share}\n"
    if good:
        assert read(tmp_path, text).goal.organic_share == float(share)
    else:
        assert "organic_share" in refused(tmp_path, text)


def test_not_toml(tmp_path):
    assert "TOML illisible" in refused(tmp_path, "[study\n")

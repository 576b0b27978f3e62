"""One plane in metres for every layer that is measured together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from friches.errors import Breach, InputError

if TYPE_CHECKING:
    import geopandas as gpd


def require_same_plane(**layers: gpd.GeoDataFrame) -> None:
    """Refuse layers that do not share one projected CRS in metres.

    Parameters
    ----------
    **layers : GeoDataFrame
        The layers measured together, by the name to show in messages; the first is the reference.

    Raises
    ------
    InputError
        One breach for each layer without a CRS, not in metres, or not in the reference's CRS.
    """
    breaches = []
    reference = next(iter(layers.values())).crs
    for name, layer in layers.items():
        crs = layer.crs
        if crs is None:
            todo = "déclarer le système de coordonnées du fichier"
            breaches.append(Breach("projection absente", name, todo))
        elif crs.is_geographic or crs.axis_info[0].unit_conversion_factor != 1:
            todo = "reprojeter dans le système légal en mètres (EPSG:2154 en métropole)"
            breaches.append(Breach(f"projection {crs.name} qui n'est pas en mètres", name, todo))
        elif reference is not None and crs != reference:
            what = f"projection {crs.name} au lieu de {reference.name}"
            breaches.append(Breach(what, name, "reprojeter la couche"))
    if breaches:
        raise InputError(breaches)

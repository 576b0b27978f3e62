"""Find abandoned farmland, the canteen meals it would feed, and the legal routes that free it.

Open a study and run it::

    import friches

    result = friches.run(friches.open("data/sample/study.toml"))
    result.blocks
    result.map()
"""

import os as _os
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

# GDAL reads local files and servers through formats that are only lists of other sources: a VRT
# saved under another name returns the content of any file. They are switched off before the first
# import of a GDAL package, because GDAL reads this list only once. Readers check bytes as well.
_SKIPPED = {
    "GDAL_SKIP": "VRT,GTI,WMS,WMTS,WCS,DAAS,EEDA,EEDAI,PLMOSAIC,STACIT,STACTA,DERIVED,PDF,"
    "GNMDatabase,GNMFile",
    "OGR_SKIP": "OGR_VRT,GDALG,WFS,OAPIF,OGCAPI,HTTP,CSW,AmigoCloud,Carto,Elasticsearch,NGW,"
    "PLSCENES,ADBC,GPSBabel",
}
for _key, _drivers in _SKIPPED.items():
    _os.environ.setdefault(_key, _drivers)
_os.environ.setdefault("GDAL_VRT_ENABLE_PYTHON", "NO")

__version__ = "0.1.0"
__all__ = ["InputError", "Result", "Study", "__version__", "open", "run"]

if _TYPE_CHECKING:
    from friches.errors import InputError
    from friches.result import Result
    from friches.study import run
    from friches.studyfile import Study
    from friches.studyfile import read_study as open  # noqa: A004 -- friches.open reads well

_WHERE = {
    "InputError": ("friches.errors", "InputError"),
    "Result": ("friches.result", "Result"),
    "Study": ("friches.studyfile", "Study"),
    "open": ("friches.studyfile", "read_study"),
    "run": ("friches.study", "run"),
}


def __getattr__(name: str) -> _Any:
    """Import a public name when it is first used: `import friches` stays quick."""
    if name not in _WHERE:
        raise AttributeError(f"module 'friches' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _WHERE[name]
    return getattr(import_module(module), attribute)

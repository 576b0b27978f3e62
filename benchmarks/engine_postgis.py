"""PostGIS, in a server of the benchmark's own: a temporary folder, a local socket, no port.

The binaries are those of the Debian packages postgresql and postgresql-NN-postgis-3, or of the
folder that POSTGRES_BIN names. Started by root, the server runs as an unprivileged user, for it
refuses to run as root.
"""

from __future__ import annotations

import atexit
import io
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.engine_process import Method, table

if TYPE_CHECKING:
    from benchmarks.engine_process import Answer, Core

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "jit": "off",
    "shared_buffers": "1GB",
    "work_mem": "256MB",
    "max_parallel_workers_per_gather": str(max((os.cpu_count() or 1) - 1, 0)),
    "parallel_setup_cost": "0",
    "parallel_tuple_cost": "0",
    "min_parallel_table_scan_size": "0",
}
"""A server for one client: the leader and one worker for each further core."""
QUERY = """
CREATE UNLOGGED TABLE pairs AS
SELECT p.parcel, q.polygon, ST_Area(ST_Intersection(p.geometry, q.geometry)) AS area_m2
FROM parcels AS p JOIN polygons AS q ON ST_Intersects(p.geometry, q.geometry)
"""
PATIENCE_S = 60


def binaries() -> Path | None:
    """Return the folder of the newest server's binaries, or None."""
    if os.environ.get("POSTGRES_BIN"):
        return Path(os.environ["POSTGRES_BIN"])
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: p.parts[-3])
    return found[-1].parent if found else None


def absent() -> str | None:
    """Return why PostGIS cannot be started, or None."""
    folder = binaries()
    if folder is None:
        return "no server (Debian package: postgresql)"
    said = subprocess.run(
        [folder / "pg_config", "--sharedir"], capture_output=True, text=True, check=False
    )
    if not (Path(said.stdout.strip()) / "extension" / "postgis.control").is_file():
        return "no extension (Debian package: postgresql-NN-postgis-3)"
    return None


def load(land: Path) -> Core:
    """Start the server, copy both layers into it, index them."""
    from pyarrow import csv

    folder = _served()
    _ask(folder, "CREATE EXTENSION postgis")
    for name, key in (("parcels", "parcel"), ("polygons", "polygon")):
        _copied(folder, land / f"{name}.parquet", name, key)

    def core() -> Answer:
        _ask(folder, QUERY)
        said = _ask(folder, "COPY (SELECT * FROM pairs WHERE area_m2 > 0) TO STDOUT (FORMAT csv)")
        names = ["parcel", "polygon", "area_m2"]
        options = csv.ReadOptions(column_names=names)
        found = csv.read_csv(io.BytesIO(said), options)
        return {name: found[name].to_numpy() for name in names}

    return core


def _copied(folder: Path, path: Path, name: str, key: str) -> None:
    rows = table(path)
    text = io.StringIO()
    pairs = zip(rows[key].to_pylist(), rows["geometry"].to_pylist(), strict=True)
    text.writelines(f"{number}\t{wkb.hex()}\n" for number, wkb in pairs)
    _ask(folder, f"CREATE UNLOGGED TABLE {name} ({key} integer, geometry geometry)")
    _ask(folder, f"COPY {name} FROM STDIN", text.getvalue().encode("ascii"))
    _ask(folder, f"CREATE INDEX ON {name} USING gist (geometry)")
    _ask(folder, f"VACUUM ANALYZE {name}")


def _served() -> Path:
    """Start a server in a temporary folder; it ends, and the folder goes, with this process."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if os.geteuid() == 0:
        who = pwd.getpwnam("nobody")
        os.chown(folder, who.pw_uid, who.pw_gid)
    base = _program("initdb")
    subprocess.run(
        [base, "-D", folder / "data", "-U", "bench", "-A", "trust", "--no-sync"],
        **_unprivileged(folder),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    settings: list[str | Path] = [f"-c{name}={value}" for name, value in SETTINGS.items()]
    where: list[str | Path] = ["-D", folder / "data", "-k", folder]
    server = subprocess.Popen(
        [_program("postgres"), *where, *settings],
        **_unprivileged(folder),
        stdout=subprocess.DEVNULL,
        stderr=(folder / "log").open("w"),
    )
    atexit.register(_stopped, server)
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            _ask(folder, "SELECT 1")
        except RuntimeError:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError((folder / "log").read_text("utf-8")) from None
            time.sleep(0.05)
        else:
            return folder


def _stopped(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)
    server.wait(PATIENCE_S)


def _program(name: str) -> Path:
    folder = binaries()
    assert folder is not None
    return folder / name


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Return how to start a process as nobody, when this one is root's."""
    if os.geteuid() != 0:
        return {"cwd": folder}
    who = pwd.getpwnam("nobody")
    return {"cwd": folder, "user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}


def _ask(folder: Path, text: str, given: bytes | None = None) -> bytes:
    """Run one statement with psql; return what it wrote."""
    command: list[str | Path] = [_program("psql"), "-h", folder, "-U", "bench", "-d", "postgres"]
    done = subprocess.run(
        [*command, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", text],
        input=given,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode("utf-8", "replace"))
    return done.stdout


METHOD = Method("PostGIS, leader and workers", load, absent=absent, several=True)

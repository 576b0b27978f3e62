"""Memory taken to unpack a 1 GB file from each kind of archive.

    python -m benchmarks.archive_memory [bytes]

The file is sparse: zeros are the worst case for the memory, since the decompressors then give the
most for what they read. Each unpacking runs in its own process, whose largest resident memory
(`ru_maxrss`) is printed; so does the packing, since a child starts from its parent's largest. The
target is under 1 GB.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

SIZE = 10**9
VOLUME = 50_000
UNPACK = """
import resource, sys
from pathlib import Path
from friches.fetch.archives import unpack
(found,) = unpack(Path(sys.argv[1]), Path(sys.argv[2]), ["*.gpkg"], most_ratio=1e9)
print(found.stat().st_size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def packed(kind: str, source: Path, folder: Path) -> Path:
    """Return an archive of the file."""
    path = folder / f"departement.{kind}"
    name = f"D012/{source.name}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(source, name)
    elif kind == "7z":
        import py7zr

        with py7zr.SevenZipFile(path, "w") as archive:
            archive.write(source, name)
    else:
        with tarfile.open(path, f"w:{kind.removeprefix('tar.')}") as archive:
            archive.add(source, name)
    return path


def in_volumes(path: Path) -> Path:
    """Cut an archive into volumes; return the first."""
    data = path.read_bytes()
    for number, start in enumerate(range(0, len(data), VOLUME), start=1):
        path.with_name(f"{path.name}.{number:03d}").write_bytes(data[start : start + VOLUME])
    return path.with_name(f"{path.name}.001")


def run(*arguments: object) -> list[str]:
    """Run Python in a process of its own; return the words it prints."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def main(size: int) -> None:
    """Print the memory and the time of each kind."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "parcelles.gpkg"
        with source.open("wb") as file:
            file.truncate(size)
        for kind in ("zip", "7z", "7z.001", "tar.gz"):
            if kind == "7z.001":
                path = in_volumes(folder / "departement.7z")
            else:
                path = Path(run("-m", "benchmarks.archive_memory", "pack", kind, source, folder)[0])
            begun = time.perf_counter()
            written, resident = run("-c", UNPACK, path, folder / "out" / kind)
            took = time.perf_counter() - begun
            assert int(written) == size
            print(f"{kind:7} {size / 1e6:.0f} MB  {resident:>5} MiB resident  {took:.1f} s")
            (folder / "out" / kind / "D012" / source.name).unlink()


if __name__ == "__main__":
    if sys.argv[1:2] == ["pack"]:
        print(packed(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else SIZE)

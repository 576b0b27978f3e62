"""A sheet as PDF/UA: tagged, the same bytes each time, and nothing fetched from anywhere."""

from __future__ import annotations

import datetime as dt
import logging
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from friches.errors import refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def printer(day: dt.date) -> Callable[[str, Path], Path]:
    """Return a function that writes a page of ours as PDF/UA-1 and returns its path.

    Parameters
    ----------
    day : date
        Dates the files: the study's day, for there is no clock in outputs.

    Raises
    ------
    InputError
        When WeasyPrint or Pango is missing: what to install.
    """
    try:
        import weasyprint
        from weasyprint.text.fonts import FontConfiguration
    except (ImportError, OSError) as error:
        raise refuse(
            f"les fiches PDF demandent WeasyPrint et Pango ({error})",
            "--pdf",
            "installer l'extra « pdf » (pip install 'friches[pdf]') et Pango "
            "(Debian : apt install libpango-1.0-0 libpangoft2-1.0-0)",
        ) from error
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    fetcher = _closed_fetcher()
    fonts = FontConfiguration()

    def write(html: str, path: Path) -> Path:
        with _clock(day):
            document = weasyprint.HTML(string=html, url_fetcher=fetcher, base_url=None)
            document.write_pdf(path, pdf_variant="pdf/ua-1", font_config=fonts)
        return path

    return write


def print_pages(pages: Sequence[Path], day: dt.date, workers: int | None = None) -> list[Path]:
    """Print HTML files as PDF/UA beside them, several at a time.

    Each worker is a Python of its own, given the names of its files. A process pool would run the
    caller's script again in each worker, which a notebook or an unguarded script cannot bear.

    Parameters
    ----------
    pages : sequence of Path
        Pages of ours, already written.
    day : date
        Dates the files.
    workers : int, optional
        As many as the machine has processors by default.

    Returns
    -------
    list of Path
        The PDF files, in the order of `pages`.

    Raises
    ------
    InputError
        When WeasyPrint or Pango is missing: what to install.
    RuntimeError
        A worker failed: what it said.
    """
    count = min(workers or os.cpu_count() or 1, len(pages))
    if count < 2:
        to_pdf = printer(day) if pages else None
        return [to_pdf(page.read_text("utf-8"), _beside(page)) for page in pages if to_pdf]
    told = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "friches.view.pdf", day.isoformat()]
    running = [
        subprocess.Popen(  # noqa: S603 -- our own module, our own files
            [*command, *(str(page.resolve()) for page in pages[n::count])],
            env=told,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(count)
    ]
    try:
        for worker in running:
            _, said = worker.communicate()
            if worker.returncode:
                raise RuntimeError(f"PDF non écrits : {said.strip()[-600:]}")
    finally:
        for worker in running:
            if worker.poll() is None:
                worker.kill()
                worker.communicate()
    return [_beside(page) for page in pages]


def _beside(page: Path) -> Path:
    return page.with_suffix(".pdf")


def _closed_fetcher() -> Any:
    """Return a fetcher that opens `data:` addresses alone: no file, no network."""
    from weasyprint import urls

    if not hasattr(urls, "URLFetcher"):  # before WeasyPrint 68 a plain function is asked for

        def fetch(url: str, *args: Any, **options: Any) -> Any:
            if not url.startswith("data:"):
                raise ValueError(f"refused: {url[:40]}")
            return urls.default_url_fetcher(url, *args, **options)

        return fetch

    class Closed(urls.URLFetcher):  # type: ignore[misc]
        def fetch(self, url: str, headers: Any = None) -> Any:
            if not url.startswith("data:"):
                raise ValueError(f"refused: {url[:40]}")
            return super().fetch(url, headers)

    return Closed()


@contextmanager
def _clock(day: dt.date) -> Iterator[None]:
    """Let fonts and metadata be dated by the study's day."""
    before = os.environ.get("SOURCE_DATE_EPOCH")
    moment = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
    os.environ["SOURCE_DATE_EPOCH"] = str(int(moment.timestamp()))
    try:
        yield
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before


if __name__ == "__main__":
    print_pages([Path(name) for name in sys.argv[2:]], dt.date.fromisoformat(sys.argv[1]), 1)

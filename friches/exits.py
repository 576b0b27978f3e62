"""How a command ends: input errors as one block and code 2, an interruption as code 130."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

WRONG_INPUT, STOPPED = 2, 130


@contextmanager
def readable_errors(stopped: str = "l'ancien résultat est intact") -> Iterator[None]:
    """Show input errors as one block and exit with code 2; an interruption with code 130."""
    from friches.errors import InputError

    try:
        yield
    except InputError as error:
        count = len(error.breaches)
        many = "s" if count > 1 else ""
        typer.echo(f"Entrée refusée : {count} problème{many}.\n{error}", err=True)
        raise typer.Exit(WRONG_INPUT) from None
    except KeyboardInterrupt:
        typer.echo(f"Interrompu : {stopped}.", err=True)
        raise typer.Exit(STOPPED) from None

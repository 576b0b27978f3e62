"""How loops are compiled: at their first call, kept on disk, without Python's lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

Loop = TypeVar("Loop", bound="Callable[..., Any]")


def compiled(loop: Loop) -> Loop:
    """Return a loop over arrays that is compiled when first called.

    The machine code is kept beside the module (or in the user's cache when that cannot be
    written), so that only the first run on a machine waits for it.
    """
    return cast("Loop", numba.njit(cache=True, nogil=True)(loop))

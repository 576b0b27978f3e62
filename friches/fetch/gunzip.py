"""gzip undone as it comes, in bounded pieces, its end and its checksums verified."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PIECE = 2**20


def gunzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Give what is behind gzip bytes, at most 1 MiB at a time: a bomb is seen before it fills.

    Parameters
    ----------
    pieces : iterable of bytes
        One or several members, which zeros may follow.

    Yields
    ------
    bytes

    Raises
    ------
    zlib.error
        Damaged.
    EOFError
        Cut short.
    """
    inflate = zlib.decompressobj(wbits=31)
    for piece in pieces:
        rest = piece
        while rest:
            if inflate.eof:
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
                inflate = zlib.decompressobj(wbits=31)
            yield inflate.decompress(rest, PIECE)
            rest = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
    if not inflate.eof:
        raise EOFError("truncated gzip")

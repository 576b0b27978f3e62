"""French typography: where a line must not break."""

from __future__ import annotations

import re

from friches.view.words import NBSP


def typeset(said: str) -> str:
    """Return a French text with no-break spaces inside « » and before « : ; ? ! % € »."""
    return re.sub(r" ([:;?!»%€])", rf"{NBSP}\1", said).replace("« ", f"«{NBSP}")

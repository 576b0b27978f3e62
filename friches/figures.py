"""Numbers and bounds as French readers write them."""

from __future__ import annotations

import math

THIN = "\u202f"
SMALL = 1000


def figure(value: float, digits: int = 0) -> str:
    """Return « 4 200 » or « 3,1 »: thin spaces, decimal comma; « inconnu » where NaN."""
    if math.isnan(value):
        return "inconnu"
    text = f"{value:,.{digits}f}".replace(",", THIN).replace(".", ",")
    return text.rstrip("0").rstrip(",") if digits else text


def rounded(value: float) -> float:
    """Return a number with three significant digits: more would promise what is not known."""
    if not value or math.isnan(value):
        return value
    return round(value, 2 - math.floor(math.log10(abs(value))))


def bounds(low: float, central: float, high: float, unit: str) -> str:
    """Return « 4 200 kg (de 3 700 à 5 000) », or the ends alone where there is no central value."""
    ends = [
        figure(rounded(v), 0 if abs(v) >= SMALL else 2) if not math.isnan(v) else "inconnu"
        for v in (low, central, high)
    ]
    if math.isnan(central):
        return f"de {ends[0]} à {ends[2]}{THIN}{unit}"
    if ends[0] == ends[2]:
        return f"{ends[1]}{THIN}{unit}"
    return f"{ends[1]}{THIN}{unit} (de {ends[0]} à {ends[2]})"

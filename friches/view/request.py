"""What a request to the prefect must hold, piece by piece, and where the sheet has it."""

from __future__ import annotations

from typing import NamedTuple

from friches.view.lexicon import w


class Piece(NamedTuple):
    """One thing the law asks of the file.

    Attributes
    ----------
    what : str
        What is asked, in few words.
    source : str
        Article and mark.
    place : str
        Id of the sheet's section that holds it; "" where it is left to write.
    said : str
        Where it is, or that it is left to write.
    """

    what: str
    source: str
    place: str
    said: str


PLACES = {
    "designation": "t-etat",
    "areas": "t-etat",
    "plan": "t-plan",
    "parcels": "t-etat",
    "evidence": "t-memoire",
    "requester": "",
    "owner": "",
    "farmer": "",
    "searches": "",
}
PIECES = tuple(Piece(**w.sheet.request.pieces[name], place=place) for name, place in PLACES.items())
"""R125-6 lists the file of a département's own survey; R125-1 what a request must say."""
SENDING: str = w.sheet.request.sending
SEARCHES: str = w.sheet.request.searches

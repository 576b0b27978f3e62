"""What a request to the prefect must hold, piece by piece, and where the sheet has it."""

from __future__ import annotations

from typing import NamedTuple

from friches.view import words


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


PIECES = (
    Piece(
        "Désignation cadastrale de chaque parcelle",
        "CRPM R125-1, al. 1 ; R125-6 [V15]",
        "t-etat",
        "état parcellaire",
    ),
    Piece("Surfaces", "CRPM R142-3 (avis de la SAFER) [V15]", "t-etat", "état parcellaire"),
    Piece("Plan parcellaire", "CRPM R125-6 [V15]", "t-plan", "plan parcellaire"),
    Piece("État parcellaire", "CRPM R125-6 [V15]", "t-etat", "état parcellaire"),
    Piece(
        "Mémoire justificatif ; précisions de nature à établir l'inculture",
        "CRPM R125-1, al. 2 ; R125-6 [V15]",
        "t-memoire",
        "mémoire justificatif, à joindre avec les constats de la visite",
    ),
    Piece(
        "Nom, qualité et domicile du demandeur",
        "CRPM R125-1, al. 1 [V15]",
        "",
        words.TO_COMPLETE,
    ),
    Piece(
        "Nom, qualité et domicile du propriétaire",
        "CRPM R125-1, al. 1 [V15]",
        "",
        f"{words.TO_COMPLETE}, parcelle par parcelle",
    ),
    Piece(
        "Nom, qualité et domicile du titulaire du droit d'exploitation, si ce n'est pas le "
        "propriétaire",
        "CRPM R125-1, al. 1 [V15]",
        "",
        f"{words.TO_COMPLETE}, parcelle par parcelle",
    ),
    Piece(
        "Recherches faites, si l'un ou l'autre n'est pas connu",
        "CRPM R125-1, al. 1 [V15]",
        "",
        f"{words.TO_COMPLETE}, parcelle par parcelle",
    ),
)
"""R125-6 lists the file of a département's own survey; R125-1 what a request must say."""
SENDING = "Envoi au préfet par lettre recommandée avec avis de réception (CRPM R125-11 [V15])"
SEARCHES = (
    "Recherches possibles : extrait de matrice cadastrale (formulaire 6815-EM-SD), renseignement "
    "au service de la publicité foncière, mairie, notaire, MSA et voisins ; noter date et réponse."
)

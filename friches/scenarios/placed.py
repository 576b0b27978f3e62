"""Which parcels make each block, as numbers: what holds of parcels is counted block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]
    Mask = NDArray[np.bool_]


class Placed(NamedTuple):
    """The members of blocks: the parcel (a place in `parcels`) and the block of each.

    Members stand block after block; those of block b are `starts[b]` to `starts[b + 1]`.
    """

    parcels: pd.Index[Any]
    parcel: Codes
    block: Codes
    starts: Codes

    @classmethod
    def of(cls, blocks: pd.DataFrame, members: pd.DataFrame) -> Placed:
        """Place the members of `blocks` (others are left), in the order in which they stand."""
        names = pd.Index(blocks["block_id"].astype("str"))
        home = names.get_indexer(pd.Index(members["block_id"].astype("str")))
        inorder = np.argsort(home, kind="stable")
        inorder = inorder[home[inorder] >= 0]
        parcel, parcels = pd.factorize(members["parcel_id"].astype("str").take(inorder))
        starts = np.searchsorted(home[inorder], np.arange(len(names) + 1))
        return cls(
            pd.Index(parcels), parcel.astype(np.int64), home[inorder], starts.astype(np.int64)
        )

    @property
    def sizes(self) -> Codes:
        """The number of parcels of each block."""
        return np.diff(self.starts)

    def number(self, of_parcel: Mask) -> Codes:
        """Return how many parcels of each block are marked."""
        held = self.block[of_parcel[self.parcel]]
        return np.bincount(held, minlength=len(self.starts) - 1).astype(np.int64)

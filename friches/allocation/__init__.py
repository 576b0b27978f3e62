"""Allocation: crops to blocks, blocks to farms, harvests to canteens, by month (HiGHS)."""

from friches.allocation.allocate import Allocation, allocate
from friches.allocation.telling import sentence

__all__ = ["Allocation", "allocate", "sentence"]

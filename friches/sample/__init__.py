"""A synthetic territory in the exact formats of the real sources: fictitious, any size, seeded."""

from __future__ import annotations

from friches.sample.make import make

__all__ = ["make"]

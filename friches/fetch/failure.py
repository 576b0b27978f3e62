"""What is said when a service could not answer."""

from __future__ import annotations


class Failure(Exception):  # noqa: N818 -- one source failed; the layer tries its next one
    """One source could not answer; the layer may try its next one.

    Parameters
    ----------
    service : str
        Key of the service, e.g. ``geopf_wfs``.
    why : str
        What happened, in French, with the address (secrets masked).
    todo : str
        What the reader can do, in French.
    unreachable : bool
        No connection could be made at all: no name, no route, no proxy.
    """

    def __init__(
        self, service: str, why: str, todo: str = "", *, unreachable: bool = False
    ) -> None:
        self.service = service
        self.why = why
        self.todo = todo
        self.unreachable = unreachable
        super().__init__(f"{service} : {why}" + (f"\n    → {todo}" if todo else ""))


class Passing(Exception):  # noqa: N818 -- not the end: the session asks again
    """A fault that may pass; the session waits and asks again.

    Parameters
    ----------
    why : str
        What happened, in French.
    unreachable : bool
        No connection could be made at all.
    """

    def __init__(self, why: str, *, unreachable: bool = False) -> None:
        self.why = why
        self.unreachable = unreachable
        super().__init__(why)

"""Where a request may go: https outside, never inside, but for the mirrors that were named."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TYPE_CHECKING, Any

from friches.errors import Breach, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""Addresses of IPv4 servers seen from an IPv6-only network (RFC 6052)."""
_LOCAL_NAME = re.compile(
    r"(^|\.)(localhost|local|internal|intranet|lan|home\.arpa)\.?$", re.IGNORECASE
)
_SECRET = re.compile(
    r"(?i)([?&](?:[\w.-]*(?:api_?key|access_?key|token|secret|passw|signature)[\w.-]*"
    r"|key|sig|cle|pwd)=)[^&#\s]+"
)
_USER = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/?#\s]*@")


class Refused(Exception):  # noqa: N818 -- not a fault of the program: an address not to go to
    """An address a request must not go to; the message says why, in French."""


def masked(text: object) -> str:
    """Return a text with user names, passwords and keys of its addresses hidden."""
    return _SECRET.sub(r"\1***", _USER.sub(r"\1***@", str(text)))


def check_hosts(hosts: Mapping[str, str]) -> dict[str, str]:
    """Return the mirrors by public address, without end slashes.

    Raises
    ------
    InputError
        A public address that is not https, a mirror that is neither http nor https.
    """
    breaches = [
        Breach(f"« {masked(public)} » n'est pas une adresse https", "hosts", "écrire https://…")
        for public in hosts
        if not re.match(r"https://[^/?#@\s]+", public)
    ]
    breaches += [
        Breach(f"le miroir « {masked(mirror)} » n'est pas une adresse http(s)", "hosts")
        for mirror in hosts.values()
        if not re.match(r"https?://[^/?#\s]+", mirror)
    ]
    if breaches:
        raise InputError(breaches)
    return {public.rstrip("/"): mirror.rstrip("/") for public, mirror in hosts.items()}


def mapped(url: str, hosts: Mapping[str, str]) -> str:
    """Return the address to ask: the mirror's, for the longest public address that fits."""
    fitting = [public for public in hosts if _begins(url, public)]
    if not fitting:
        return url
    public = max(fitting, key=len)
    return hosts[public] + url[len(public) :]


def is_mirror(url: str, hosts: Mapping[str, str]) -> bool:
    """Return whether an address belongs to one of the mirrors."""
    return any(_begins(url, mirror) for mirror in hosts.values())


def check_address(url: Any, *, proxied: bool) -> None:
    """Refuse an address outside https or inside a private network.

    Parameters
    ----------
    url : httpx.URL
        Parsed by the library that will connect, so that both read the same host.
    proxied : bool
        A proxy resolves the name: only what is written can be judged here.

    Raises
    ------
    Refused
        Other scheme, user name in the address, local name, private address.
    OSError
        The name cannot be resolved.
    """
    host = url.raw_host.decode("ascii").strip("[]")
    if url.scheme != "https":
        raise Refused(f"adresse en « {url.scheme}: », seul https est admis")
    if url.userinfo:
        raise Refused("l'adresse contient un nom d'utilisateur")
    if not host or _LOCAL_NAME.search(host):
        raise Refused(f"« {host} » est un nom local")
    if proxied:
        written = _written(host)
        if written is None and "." not in host:
            raise Refused(f"« {host} » est un nom local")
        check_all([written] if written else [], host)
    else:
        check_all(resolve(host, url.port or 443), host)


def check_all(addresses: Iterable[IPAddress], host: str) -> None:
    """Refuse a host as soon as one of its addresses is not public."""
    for address in addresses:
        if not is_public(address):
            raise Refused(f"« {host} » mène à l'adresse interne {address}")


def is_public(address: IPAddress) -> bool:
    """Return whether an address, and the IPv4 one it may carry, is on the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if address.teredo:
            return False
        if address in _NAT64:
            carried = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if carried is not None:
            return is_public(carried)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast


def parse(text: str) -> IPAddress:
    """Return an address as the system writes it, without its zone (``fe80::1%eth0``)."""
    return ipaddress.ip_address(text.partition("%")[0])


def resolve(host: str, port: int) -> list[IPAddress]:
    """Return all addresses of a host.

    Raises
    ------
    OSError
        No such name, or no name server.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [parse(str(entry[4][0])) for entry in found]


def _written(host: str) -> IPAddress | None:
    """Return the address a host spells, in any of the forms the system accepts (127.1, 0x7f.1)."""
    try:
        return parse(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _begins(url: str, prefix: str) -> bool:
    return url.startswith(prefix) and url[len(prefix) : len(prefix) + 1] in {"", "/", "?", "#"}

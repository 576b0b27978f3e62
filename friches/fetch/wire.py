"""The way out: proxies, certificates, redirects, and no connection inside a private network."""

from __future__ import annotations

import json
import logging
import os
import socket
import ssl
import threading
import urllib.parse
import urllib.request
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import certifi
import httpx

from friches import __version__
from friches.errors import refuse
from friches.fetch.address import (
    Refused,
    check_address,
    check_all,
    is_mirror,
    mapped,
    masked,
    parse,
)
from friches.fetch.failure import Failure, Passing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpcore

    from friches.fetch.request import Request

MOST_REDIRECTS = 5
LONGEST_HEAD = 3
"""Deadlines a request may last until the head of its answer: name, connection, first byte."""
USER_AGENT = f"friches/{__version__} (Python httpx/{httpx.__version__})"
_REDIRECTS = {301, 302, 303, 307, 308}
_BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_TODO_NETWORK = "vérifier la connexion et, derrière un mandataire, la variable HTTPS_PROXY"
_TODO_CERTIFICATE = (
    "si le réseau déchiffre les échanges, donner le certificat de votre organisme par SSL_CERT_FILE"
)


class _Hide(logging.Filter):
    """Hides the secrets of addresses in the log lines of httpx."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(masked(a) if isinstance(a, httpx.URL) else a for a in record.args)
        return True


_HIDE = _Hide()


def certificates() -> ssl.SSLContext:
    """Return which certificates are trusted: the bundle named, else the system's and certifi's.

    Raises
    ------
    InputError
        `SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE` names no readable bundle.
    """
    for variable in _BUNDLES:
        named = os.environ.get(variable)
        if named:
            try:
                return _trusting(named)
            except OSError as error:
                raise refuse(
                    "certificats illisibles",
                    f"{variable}={named}",
                    "corriger ou retirer la variable",
                ) from error
    return _trusting("")


@cache
def _trusting(bundle: str) -> ssl.SSLContext:
    if bundle:
        place = "capath" if Path(bundle).is_dir() else "cafile"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(**{place: bundle})
        return context
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=certifi.where())
    return context


def proxy_for(url: httpx.URL) -> str:
    """Return the proxy that the environment or the system names for an address, or ""."""
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all") or ""
    if not proxy or urllib.request.proxy_bypass(url.host):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


class Call(NamedTuple):
    """What is sent to each address of a chain of redirects."""

    method: str
    headers: dict[str, str]
    content: bytes | None
    deadline: float


class Wire:
    """Connections shared by the threads of a session.

    Parameters
    ----------
    hosts : mapping of str to str
        Mirrors by public address: the only place where http and private addresses are allowed.
    """

    def __init__(self, hosts: Mapping[str, str]) -> None:
        self._hosts = hosts
        self._certificates = certificates()
        self._clients: dict[str, httpx.Client] = {}
        self._lock = threading.Lock()
        logging.getLogger("httpx").addFilter(_HIDE)

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            client.close()

    @contextmanager
    def exchange(
        self, request: Request, headers: Mapping[str, str], deadline: float, method: str = ""
    ) -> Iterator[httpx.Response]:
        """Send a request, follow its redirects, give the answer with its body still to come.

        Raises
        ------
        Passing
            No connection, silence, broken connection, redirects without end.
        Failure
            Address refused, certificate refused, proxy refused.
        """
        call = _call(request, method or request.method, headers, deadline)
        with _told(request.service, deadline):
            response = self._follow(request, call)
            try:
                yield response
            finally:
                response.close()

    def _follow(self, request: Request, call: Call) -> httpx.Response:
        url = httpx.URL(request.url).copy_merge_params(list(request.params))
        for _ in range(MOST_REDIRECTS + 1):
            response = self._send(url, call)
            code, where = response.status_code, response.headers.get("location")
            if code not in _REDIRECTS or not where:
                return response
            response.close()
            if call.method == "POST" and code in {301, 302, 303}:
                call = _call(request, "GET", call.headers, call.deadline)
            url = url.join(where)
        raise Passing(f"redirections sans fin : {masked(url)}")

    def _send(self, url: httpx.URL, call: Call) -> httpx.Response:
        target = httpx.URL(mapped(str(url), self._hosts))
        proxy = proxy_for(target)
        outside = not is_mirror(str(target), self._hosts)
        if outside:
            check_address(target, proxied=bool(proxy))
        line = _Line(target.host if outside and not proxy else "")
        sent = self._client(proxy).build_request(
            call.method,
            target,
            headers=call.headers,
            content=call.content,
            timeout=call.deadline,
            extensions={"trace": line.look},
        )
        with line.cut_after(LONGEST_HEAD * call.deadline):
            return self._client(proxy).send(sent, stream=True)

    def _client(self, proxy: str) -> httpx.Client:
        with self._lock:
            if proxy not in self._clients:
                try:
                    self._clients[proxy] = httpx.Client(
                        proxy=proxy or None,
                        verify=self._certificates,
                        trust_env=False,
                        headers={"User-Agent": USER_AGENT},
                        # One connection a request: each is checked, and can be cut, by itself.
                        limits=httpx.Limits(max_keepalive_connections=0),
                    )
                except (ImportError, ValueError) as error:
                    raise refuse(
                        f"mandataire « {masked(proxy)} » impossible à utiliser",
                        "HTTPS_PROXY",
                        "donner un mandataire http:// ou https://",
                    ) from error
            return self._clients[proxy]


def _call(request: Request, method: str, headers: Mapping[str, str], deadline: float) -> Call:
    if method != "POST":
        return Call(method, dict(headers), None, deadline)
    if request.json is not None:
        kind, content = "application/json", json.dumps(request.json, ensure_ascii=False)
    else:
        kind, content = "application/x-www-form-urlencoded", urllib.parse.urlencode(request.form)
    return Call(method, {**headers, "Content-Type": kind}, content.encode(), deadline)


class _Line:
    """The connection of one request, looked at when it is made, cut when nothing comes of it.

    Parameters
    ----------
    host : str
        Name to check the address of, or "": a mirror, or a proxy, which may be private.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._streams: list[httpcore.NetworkStream] = []

    def look(self, event: str, info: Mapping[str, Any]) -> None:
        """Check the address really connected to, before a byte is sent to it.

        A name may lead to a public address when it is checked, and to a private one right after.
        """
        if not event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            return
        stream = info["return_value"]
        self._streams.append(stream)
        if self._host and event.endswith(".connect_tcp.complete"):
            try:
                check_all([parse(stream.get_extra_info("server_addr")[0])], self._host)
            except Refused:
                stream.close()
                raise

    @contextmanager
    def cut_after(self, seconds: float) -> Iterator[None]:
        """Close the connection if the head of the answer has not come in time.

        A head that comes byte by byte is never silent for long: no time-out would end it.
        """
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        for stream in self._streams:
            stream.close()


@contextmanager
def _told(service: str, deadline: float) -> Iterator[None]:
    """Turn the faults of the network into ours, in French."""
    try:
        yield
    except Refused as error:
        raise Failure(service, f"adresse refusée : {masked(error)}") from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise Failure(service, f"adresse refusée : {masked(error)}") from error
    except httpx.ConnectTimeout as error:
        raise Passing(f"pas de connexion en {deadline:g} s", unreachable=True) from error
    except httpx.TimeoutException as error:
        raise Passing(f"silence de plus de {deadline:g} s") from error
    except httpx.ProxyError as error:
        why = f"le mandataire refuse : {masked(error)}"
        raise Failure(service, why, _TODO_NETWORK, unreachable=True) from error
    except httpx.ConnectError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            why = "certificat du service non reconnu"
            raise Failure(service, why, _TODO_CERTIFICATE, unreachable=True) from error
        raise Passing("service injoignable", unreachable=True) from error
    except socket.gaierror as error:
        raise Passing("nom de serveur introuvable", unreachable=True) from error
    except httpx.TransportError as error:
        raise Passing("connexion coupée avant la fin") from error

"""The session against a tiny server: retries, faults of every kind, redirects, paces, proxies."""

from __future__ import annotations

import datetime as dt
import email.utils
import gzip
import io
import json
import logging
import ssl
import threading
import time
import zipfile

import certifi
import httpx
import pytest
from loopback import Loopback, cut, file, send, serving

from friches import __version__
from friches.errors import InputError
from friches.fetch import address, content, wire
from friches.fetch.address import Refused, check_address, is_public, mapped, masked, parse
from friches.fetch.body import SPARE_BYTES
from friches.fetch.content import check_content
from friches.fetch.failure import Failure, Passing
from friches.fetch.pace import Gate, Pace
from friches.fetch.session import Request, open_session

PUBLIC = "https://data.example.fr"
QUICK = Pace(
    per_second=1000,
    burst=1000,
    at_once=8,
    retries=3,
    deadline=5.0,
    least_rate=1000,
    first_wait=0.01,
    longest_wait=0.02,
    longest_pause=0.2,
)
GOOD = json.dumps({"type": "FeatureCollection", "features": []}).encode()
WEB_PAGE = b"<!DOCTYPE html><html><body>Maintenance</body></html>"


@pytest.fixture(scope="module")
def running():
    with serving() as pair:
        yield pair


@pytest.fixture
def server(running):
    listening, url = running
    listening.loopback = Loopback()
    listening.loopback.url = url
    return listening.loopback


@pytest.fixture
def session(server, tmp_path):
    with open_session(tmp_path / "cache", pace={"s": QUICK}, hosts={PUBLIC: server.url}) as opened:
        yield opened


def ask(path="/a", accepts="json", **changes):
    return Request("s", PUBLIC + path, accepts=accepts, **changes)


def body(answer):
    return answer.path.read_bytes()


def test_an_answer_is_kept_and_described(server, session):
    server.on("/a", file(GOOD, etag='"v1"'))
    answer = session.get(ask(params=(("q", "é a"), ("bbox", "1,2"))))
    assert body(answer) == GOOD
    assert (answer.size, answer.etag, answer.from_cache) == (len(GOOD), '"v1"', False)
    assert answer.retrieved_on == dt.datetime.now().astimezone().date()
    assert answer.url == f"{server.url}/a?q=%C3%A9+a&bbox=1%2C2"
    again = session.get(ask(params=(("q", "é a"), ("bbox", "1,2"))))
    assert again == answer._replace(from_cache=True)
    assert server.count("/a") == 1


def test_requests_name_friches_and_its_version(server, session):
    server.on("/a", send(GOOD))
    session.get(ask())
    assert server.asked[0].headers["User-Agent"].startswith(f"friches/{__version__} ")
    assert "Authorization" not in server.asked[0].headers


def test_post_of_a_form_and_of_json(server, session):
    server.on("/a", send(GOOD))
    cql = (("typenames", "RPG"), ("cql_filter", "BBOX(geom,1,2)"), ("typenames", "b"))
    session.get(ask(method="POST", form=cql))
    assert server.asked[0].body == b"typenames=RPG&cql_filter=BBOX%28geom%2C1%2C2%29&typenames=b"
    assert server.asked[0].headers["Content-Type"] == "application/x-www-form-urlencoded"
    session.get(ask(method="POST", json={"geom": {"é": 1}}))
    assert json.loads(server.asked[1].body) == {"geom": {"é": 1}}
    assert session.get(ask(method="POST", form=cql)).from_cache
    assert len(server.asked) == 2


def gzipped(data=GOOD, keep=None):
    packed = gzip.compress(data)
    return send(packed[:keep], Content_Encoding="gzip")


FAULTS = {
    "429": (send(b"", 429, Retry_After="0"), "json"),
    "500": (send(b"", 500), "json"),
    "502": (send(b"", 502), "json"),
    "503": (send(b"", 503), "json"),
    "closed at once": (cut(send(GOOD), 0), "json"),
    "closed mid-body": (cut(send(GOOD), 10), "json"),
    "reset mid-body": (cut(send(GOOD), 10, reset=True), "json"),
    "announced too long": (send(GOOD, length=len(GOOD) + 5), "json"),
    "announced too short": (send(GOOD, length=len(GOOD) - 5), "json"),
    "truncated transfer": (gzipped(keep=20), "json"),
    "damaged transfer": (send(b"\x1f\x8b\x08" + b"z" * 30, Content_Encoding="gzip"), "json"),
    "web page": (send(WEB_PAGE), "json"),
    "web page, any": (send(b"\xef\xbb\xbf \n" + WEB_PAGE.lower()), "any"),
    "empty": (send(b""), "any"),
    "error report": (send(b"<ServiceException>bad</ServiceException>"), "json"),
    "truncated json": (send(GOOD[:-2]), "json"),
    "redirect loop": (send(b"", 302, Location="/a"), "json"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_passes(server, session, name):
    fault, accepts = FAULTS[name]
    times = 6 if name == "redirect loop" else 1
    server.on("/a", *[fault] * times, send(GOOD))
    assert body(session.get(ask(accepts=accepts))) == GOOD
    assert server.count("/a") == times + 1


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_lasts(server, session, name):
    fault, accepts = FAULTS[name]
    server.on("/a", fault)
    with pytest.raises(Failure, match=r"4 essais\) : https://data\.example\.fr/a") as caught:
        session.get(ask(accepts=accepts))
    assert caught.value.service == "s"
    assert caught.value.todo
    assert not caught.value.unreachable
    assert server.count("/a") == 4 * (6 if name == "redirect loop" else 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 414, 501])
def test_a_refusal_is_final_and_tells_the_reason(server, session, status):
    report = b"<ows:ExceptionText>Unknown\n\ttypename &amp; key=12\x1b</ows:ExceptionText>"
    server.on("/a", send(report, status))
    with pytest.raises(Failure, match=f"réponse {status}.*« Unknown typename .*/a"):
        session.get(ask())
    assert server.count("/a") == 1


def test_backoff_grows_with_jitter_and_is_capped(server, session, monkeypatch):
    waits = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    server.on("/a", send(b"", 503))
    slow = QUICK._replace(first_wait=1.0, longest_wait=3.0, retries=4)
    session._pace = {"s": slow}
    with pytest.raises(Failure):
        session.get(ask())
    assert len(waits) == 4
    for wait, low in zip(waits, [1, 2, 3, 3], strict=True):
        assert low <= wait <= min(low + 1, 3)


def http_date(seconds):
    return email.utils.format_datetime(
        dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds), True
    )


@pytest.mark.parametrize(
    ("after", "low", "high"),
    [("1", 1.0, 5), (lambda: http_date(2), 0.9, 6), ("0", 0, 0.9), ("soon", 0, 0.9)],
)
def test_retry_after_is_obeyed(server, session, after, low, high):
    session._pace = {"s": QUICK._replace(longest_pause=30)}
    after = after if isinstance(after, str) else after()
    server.on("/a", send(b"", 429, Retry_After=after), send(GOOD))
    start = time.monotonic()
    session.get(ask())
    assert low <= time.monotonic() - start < high


@pytest.mark.parametrize("after", ["3600", lambda: http_date(3600), "999999999"])
def test_retry_after_is_capped(server, session, after):
    after = after if isinstance(after, str) else after()
    server.on("/a", send(b"", 503, Retry_After=after), send(GOOD))
    start = time.monotonic()
    session.get(ask())
    assert 0.2 <= time.monotonic() - start < 10


def drip(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b"[")
        time.sleep(0.05)


def silence(handler):
    time.sleep(1.0)
    send(GOOD)(handler)


def test_a_slow_drip_is_ended(server, session):
    session._pace = {"s": QUICK._replace(deadline=0.3)}
    server.on("/a", drip, send(GOOD))
    start = time.monotonic()
    assert body(session.get(ask())) == GOOD
    assert time.monotonic() - start < 4


def test_a_slow_drip_that_lasts_is_told(server, session):
    session._pace = {"s": QUICK._replace(deadline=0.2, retries=1)}
    server.on("/a", drip)
    with pytest.raises(Failure, match="débit trop faible"):
        session.get(ask())


def test_a_head_that_drips_is_ended(server, session):
    session._pace = {"s": QUICK._replace(deadline=0.2)}

    def dripping(handler):
        for _ in range(60):
            handler.wfile.write(b"H")
            time.sleep(0.05)

    server.on("/a", dripping, send(GOOD))
    start = time.monotonic()
    assert body(session.get(ask())) == GOOD
    assert 0.6 <= time.monotonic() - start < 2.5


def test_silence_is_ended(server, session):
    session._pace = {"s": QUICK._replace(deadline=0.2, retries=0)}
    server.on("/a", silence)
    with pytest.raises(Failure, match=r"silence de plus de 0\.2 s"):
        session.get(ask())


def test_a_steady_download_longer_than_the_deadline_is_let_be(server, session):
    session._pace = {"s": QUICK._replace(deadline=0.5)}

    def steady(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(GOOD) + 14 * 500))
        handler.end_headers()
        handler.wfile.write(GOOD)
        for _ in range(14):
            time.sleep(0.06)
            handler.wfile.write(b" " * 500)

    server.on("/a", steady)
    assert session.get(ask()).size == len(GOOD) + 7000
    assert server.count("/a") == 1


def zipped():
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("a.gpkg", b"1" * 1000)
    return held.getvalue()


TIFF = b"II*\0" + b"\0" * 100
KINDS = {
    "gzip": (
        gzip.compress(b"abc" * 1000) + gzip.compress(b"d") + b"\0" * 600,
        [TIFF, GOOD, gzip.compress(b"abc") + b"z"],
    ),
    "zip": (zipped(), [TIFF, zipped()[:-30]]),
    "tiff": (TIFF, [zipped(), b"II"]),
    "csv": (b"a,b\n1,2\n", [TIFF, b'{"error": 1}', b"<Error/>"]),
    "xml": (b"<?xml version='1.0'?>\n<a:b x='1'><c/></a:b>\n", [TIFF, b"<a><b></b>", GOOD]),
    "json": (
        b'\xef\xbb\xbf [{"a": "]}\\"\\\\", "b": [1]}]\n',
        [b"<a/>", b"[1", b"nul", b'["]', b'[{"a": 1}', b'{"a": "\\"}', b"[1]]"],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_told_by_its_bytes(server, session, kind):
    good, bad = KINDS[kind]
    session._pace = {"s": QUICK._replace(retries=0)}
    server.on("/good", send(good, Content_Type="text/plain"))
    assert body(session.get(ask("/good", kind))) == good
    for number, data in enumerate([*bad, good[:20] if kind == "gzip" else bad[0]]):
        server.on(f"/bad{number}", send(data))
        with pytest.raises(Failure):
            session.get(ask(f"/bad{number}", kind))


def test_7z_whole_truncated_and_first_volume(server, session, tmp_path):
    import py7zr

    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as archive:
        archive.writestr(b"abc", "a.gpkg")
    data = (tmp_path / "a.7z").read_bytes()
    server.on("/a.7z", send(data[:-3]), send(data))
    assert body(session.get(ask("/a.7z", "7z"))) == data
    assert server.count("/a.7z") == 2
    server.on("/a.7z.001", send(data[:-3]))
    assert body(session.get(ask("/a.7z.001", "7z"))) == data[:-3]


def test_compressed_transfer_is_undone_and_files_are_left_alone(server, session):
    server.on("/a", gzipped())
    assert body(session.get(ask())) == GOOD
    assert server.asked[-1].headers["Accept-Encoding"] == "gzip"
    packed = gzip.compress(GOOD)
    server.on("/a.gz", send(packed, Content_Encoding="x-gzip"))
    assert body(session.get(ask("/a.gz", "gzip"))) == packed
    assert server.asked[-1].headers["Accept-Encoding"] == "identity"
    server.on("/br", send(b"\x0b\x02\x80", Content_Encoding="br"))
    with pytest.raises(Failure, match="codage « br »"):
        session.get(ask("/br"))


def test_size_announced_at_the_limit_and_above(server, session):
    server.on("/a", send(GOOD))
    assert session.get(ask(most_bytes=len(GOOD)))
    server.on("/b", send(GOOD, length=10**12))
    with pytest.raises(Failure, match="refusée"):
        session.get(ask("/b"))
    assert server.count("/b") == 1


def test_size_that_is_not_announced(server, session, tmp_path):
    def unannounced(handler):
        handler.close_connection = True
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(GOOD)

    server.on("/a", unannounced)
    with pytest.raises(Failure, match="refusée"):
        session.get(ask(most_bytes=len(GOOD) - 1))
    assert session.get(ask(most_bytes=len(GOOD))).size == len(GOOD)


def test_bomb_in_a_compressed_transfer(server, session):
    data = b"[" + b" " * 2_000_000 + b"]"
    server.on("/a", gzipped(data))
    with pytest.raises(Failure, match="refusée"):
        session.get(ask(most_bytes=len(data) - 1))
    assert server.count("/a") == 1
    assert session.get(ask(most_bytes=len(data))).size == len(data)


def test_strings_over_the_pieces_that_json_is_read_by(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'{"a": "' + b"\\" * (2**20 + 9) + b'"[", "b": [1]}')
    check_content(path, "json", "a")
    path.write_bytes(b'{"a": "' + b"[" * 2**20 + b'"}')
    check_content(path, "json", "a")
    path.write_bytes(b'{"a": "' + b'\\"' * 2**20 + b'"}')
    check_content(path, "json", "a")
    path.write_bytes(b'{"a": "' + b"}" * 2**20)
    with pytest.raises(Passing, match="tronquée"):
        check_content(path, "json", "a")


def test_bomb_in_a_gzip_file(tmp_path, monkeypatch):
    monkeypatch.setattr(content, "FREE_BYTES", 10**6)
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"\0" * 10**6))
    check_content(path, "gzip", "a")
    path.write_bytes(gzip.compress(b"\0" * (10**6 + 1)))
    with pytest.raises(Passing, match="démesuré"):
        check_content(path, "gzip", "a")


def test_full_disk_is_told_before(server, session, monkeypatch):
    usage = type("Usage", (), {"free": SPARE_BYTES + len(GOOD)})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    server.on("/a", send(GOOD))
    server.on("/b", send(GOOD))
    session.get(ask())
    usage.free -= 1
    with pytest.raises(Failure, match="place insuffisante"):
        session.get(ask("/b"))


# Redirects and addresses.


def test_redirects_are_followed(server, session):
    server.on("/a", send(b"", 302, Location="/b"))
    server.on("/b", send(b"", 301, Location=f"{PUBLIC}/c?x=1"))
    server.on("/c", send(b"", 307, Location=f"{server.url}/d"))
    server.on("/d", send(GOOD))
    answer = session.get(ask())
    assert (body(answer), answer.url) == (GOOD, f"{server.url}/d")


@pytest.mark.parametrize(
    ("status", "method"), [(302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")]
)
def test_redirect_of_a_post(server, session, status, method):
    server.on("/a", send(b"", status, Location="/b"))
    server.on("/b", send(GOOD))
    session.get(ask(method="POST", form=(("a", "1"),)))
    assert server.asked[-1].method == method
    assert server.asked[-1].body == (b"a=1" if method == "POST" else b"")


ELSEWHERE = [
    "http://data.example.fr/a",
    "file:///etc/passwd",
    "ftp://data.example.fr/a",
    "gopher://data.example.fr/a",
    "https://127.0.0.1/a",
    "https://127.1/a",
    "https://2130706433/a",
    "https://0x7f.0.0.1/a",
    "https://10.0.0.1/a",
    "https://192.168.1.1/a",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/a",
    "https://0.0.0.0/a",
    "https://224.0.0.1/a",
    "https://[::1]/a",
    "https://[::ffff:10.0.0.1]/a",
    "https://[fe80::1]/a",
    "https://[fd00::1]/a",
    "https://[64:ff9b::7f00:1]/a",
    "https://[2002:7f00:1::]/a",
    "https://localhost/a",
    "https://router.local/a",
    "https://intranet/a",
    "https://user:secret@data.example.fr:444/a",
]


@pytest.mark.parametrize("where", ELSEWHERE)
@pytest.mark.parametrize("proxied", [False, True])
def test_redirects_elsewhere_are_refused(server, session, monkeypatch, where, proxied):
    real = address.resolve
    known = {"intranet": "10.1.2.3", "data.example.fr": "9.9.9.9"}
    monkeypatch.setattr(
        address,
        "resolve",
        lambda host, port: [parse(known[host])] if host in known else real(host, port),
    )
    if proxied:
        proxy = "http://127.0.0.1:9"
        monkeypatch.setattr(
            wire, "proxy_for", lambda url: "" if url.scheme == "http" and url.port else proxy
        )
    server.on("/a", send(b"", 302, Location=where))
    with pytest.raises(Failure, match="adresse refusée") as caught:
        session.get(ask())
    assert "secret" not in str(caught.value)
    assert server.count("/a") == 1


def test_loopback_outside_the_mirror_is_refused(server, tmp_path):
    hosts = {PUBLIC: f"{server.url}/mirror"}
    server.on("/mirror/a", send(b"", 302, Location=f"{server.url}/private"))
    server.on("/mirror/b", send(b"", 302, Location=f"{server.url}/mirror/../private"))
    server.on("/private", send(GOOD))
    with open_session(tmp_path, pace={"s": QUICK}, hosts=hosts) as session:
        for path in ("/a", "/b"):
            with pytest.raises(Failure, match="adresse refusée"):
                session.get(ask(path))
    assert server.count("/private") == 0


def test_one_private_address_among_several_is_enough(monkeypatch):
    found = [parse("9.9.9.9"), parse("::ffff:192.168.0.1")]
    monkeypatch.setattr(address, "resolve", lambda *_: found)
    with pytest.raises(Refused, match="adresse interne"):
        check_address(httpx.URL(PUBLIC), proxied=False)
    found.pop()
    check_address(httpx.URL(PUBLIC), proxied=False)


def test_a_name_that_changes_between_check_and_connection(server, session, monkeypatch):
    # The name is public when looked at, and the connection made goes to the loopback server.
    monkeypatch.setattr(address, "resolve", lambda *_: [parse("9.9.9.9")])
    port = server.url.rpartition(":")[2]
    with pytest.raises(Failure, match=r"adresse interne 127\.0\.0\.1"):
        session.get(Request("s", f"https://localhost.example.fr:{port}/a"))  # see `_pinned`
    assert server.asked == []


@pytest.fixture(autouse=True)
def _pinned(monkeypatch):
    """Let the system send `localhost.example.fr` to the loopback address, as a hostile DNS would."""
    import socket

    real = socket.getaddrinfo

    def getaddrinfo(host, *rest, **more):
        names = {"localhost.example.fr": "127.0.0.1", b"localhost.example.fr": "127.0.0.1"}
        return real(names.get(host, host), *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("9.9.9.9", True),
        ("172.15.255.255", True),
        ("172.16.0.0", False),
        ("172.31.255.255", False),
        ("172.32.0.0", True),
        ("2001:4860:4860::8888", True),
        ("2002:909:909::", True),
        ("64:ff9b::909:909", True),
        ("64:ff9b::a00:1", False),
        ("::ffff:9.9.9.9", True),
        ("::ffff:127.0.0.1", False),
        ("::", False),
        ("ff02::1", False),
        ("fec0::1", False),
        ("fe80::1%eth0", False),
        ("255.255.255.255", False),
    ],
)
def test_public_addresses(text, public):
    assert is_public(parse(text)) is public


def test_hosts_are_mapped_by_the_longest_prefix():
    hosts = {"https://a.fr": "http://m:1", "https://a.fr/wfs": "http://m:2/x"}
    assert mapped("https://a.fr/wfs/ows?a=1", hosts) == "http://m:2/x/ows?a=1"
    assert mapped("https://a.fr/wfs2", hosts) == "http://m:1/wfs2"
    assert mapped("https://a.fr.evil.com/wfs", hosts) == "https://a.fr.evil.com/wfs"
    assert mapped("https://b.fr/", hosts) == "https://b.fr/"


def test_hosts_are_checked(tmp_path):
    hosts = {"http://a.fr": "http://m", "https://b.fr": "file:///etc", "https://c.fr/": "http://m/"}
    with (
        pytest.raises(InputError) as caught,
        open_session(tmp_path, pace={}, hosts=hosts),
    ):
        pass
    assert len(caught.value.breaches) == 2


# Paces.


def test_rate_is_held_across_threads(server, tmp_path):
    server.on("/a", send(GOOD))
    pace = QUICK._replace(per_second=20, burst=2)
    with open_session(tmp_path, pace={"s": pace}, hosts={PUBLIC: server.url}) as session:
        start = time.monotonic()
        threads = [
            threading.Thread(target=session.get, args=(ask(params=(("n", str(n)),)),))
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - start
    assert len(server.asked) == 8
    assert took >= (8 - 2) / 20  # a burst of two, then twenty a second


def test_at_once_is_held_across_threads(server, tmp_path):
    under_way, most = [0], [0]

    def slow(handler):
        with server.lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        time.sleep(0.05)
        with server.lock:
            under_way[0] -= 1
        send(GOOD)(handler)

    server.on("/a", slow)
    pace = {"s": QUICK._replace(at_once=2)}
    with open_session(tmp_path, pace=pace, hosts={PUBLIC: server.url}) as session:
        threads = [
            threading.Thread(target=session.get, args=(ask(params=(("n", str(n)),)),))
            for n in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most[0] == 2


def test_a_bucket_by_hand(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("friches.fetch.pace.time.monotonic", lambda: now[0])
    gate = Gate(Pace(per_second=2, burst=2))
    assert [gate._wait(), gate._wait()] == [0, 0]
    assert gate._wait() == 0.5
    now[0] += 0.25
    assert gate._wait() == 0.25
    now[0] += 0.25
    assert gate._wait() == 0
    now[0] += 60
    assert [gate._wait(), gate._wait(), gate._wait()] == [0, 0, 0.5]
    gate.hold(10)
    gate.hold(1)
    assert gate._wait() == 10
    gate.hold(10_000)
    assert gate._wait() == gate.pace.longest_pause


def test_a_pause_holds_the_whole_service(server, session):
    server.on("/a", send(b"", 429, Retry_After="1"), send(GOOD))
    server.on("/b", send(GOOD))
    session._pace = {"s": QUICK._replace(longest_pause=0.4)}
    first = threading.Thread(target=session.get, args=(ask(),))
    start = time.monotonic()
    first.start()
    while not session._gate("s")._held_until:
        time.sleep(0.005)
    session.get(ask("/b"))
    assert time.monotonic() - start >= 0.35
    first.join()


# The way out.


def test_no_network_is_told(tmp_path):
    pace = {"s": QUICK._replace(retries=0)}
    with open_session(tmp_path, pace=pace, hosts={PUBLIC: "http://127.0.0.1:9"}) as session:
        with pytest.raises(Failure, match="injoignable") as caught:
            session.get(ask())
        assert caught.value.unreachable


def test_an_unknown_name_is_told(session, monkeypatch):
    import socket

    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Failure, match="nom de serveur introuvable") as caught:
        session.get(Request("s", "https://nowhere.example.fr/a"))
    assert caught.value.unreachable


PROXY_KEYS = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture
def no_proxy(monkeypatch):
    for key in PROXY_KEYS:
        monkeypatch.delenv(key, raising=False)
        monkeypatch.delenv(key.lower(), raising=False)


@pytest.mark.usefixtures("no_proxy")
def test_a_request_goes_through_the_proxy(server, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", server.url)
    server.on("http://mirror.example.fr/x/a", send(GOOD))
    hosts = {PUBLIC: "http://mirror.example.fr/x"}
    with open_session(tmp_path, pace={"s": QUICK}, hosts=hosts) as session:
        assert body(session.get(ask())) == GOOD
    assert [a.path for a in server.asked] == ["http://mirror.example.fr/x/a"]


@pytest.mark.usefixtures("no_proxy")
def test_https_asks_the_proxy_for_a_tunnel(server, tmp_path, monkeypatch):
    user = server.url.replace("//", "//jean:s3cret@")
    monkeypatch.setenv("HTTPS_PROXY", user)
    monkeypatch.setattr(address, "resolve", lambda *_: pytest.fail("the proxy resolves"))
    server.on("data.example.fr:443", send(b"", 407))
    with (
        open_session(tmp_path, pace={"s": QUICK}) as session,
        pytest.raises(Failure, match="le mandataire refuse") as caught,
    ):
        session.get(ask())
    assert "s3cret" not in str(caught.value)
    assert caught.value.unreachable
    assert [(a.method, a.path) for a in server.asked] == [("CONNECT", "data.example.fr:443")]
    assert server.asked[0].headers["Proxy-Authorization"].startswith("Basic ")


@pytest.mark.usefixtures("no_proxy")
def test_which_proxy(monkeypatch):
    url = httpx.URL("https://data.example.fr/a")
    assert wire.proxy_for(url) == ""
    monkeypatch.setenv("https_proxy", "proxy.mairie.fr:3128")
    assert wire.proxy_for(url) == "http://proxy.mairie.fr:3128"
    monkeypatch.setenv("no_proxy", "localhost,.example.fr")
    assert wire.proxy_for(url) == ""
    assert wire.proxy_for(httpx.URL("https://example.com/")) == "http://proxy.mairie.fr:3128"


@pytest.mark.usefixtures("no_proxy")
def test_a_proxy_that_cannot_be_used(tmp_path, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "gopher://jean:s3cret@proxy:70")
    with (
        open_session(tmp_path, pace={}) as session,
        pytest.raises(InputError, match="mandataire") as caught,
    ):
        session.get(ask())
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_own_certificates(variable, tmp_path, monkeypatch):
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    pem = certifi.contents()
    one = tmp_path / "mairie.pem"
    one.write_text(pem[: pem.index("-----END CERTIFICATE-----") + 26])
    assert len(wire.certificates().get_ca_certs()) > 50
    monkeypatch.setenv(variable, str(one))
    context = wire.certificates()
    assert len(context.get_ca_certs()) == 1
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert wire.certificates() is context
    line = wire.Wire({})
    assert line._client("")._transport._pool._ssl_context is line._certificates
    assert len(line._certificates.get_ca_certs()) == 1
    line.close()
    monkeypatch.setenv(variable, str(tmp_path / "absent.pem"))
    with pytest.raises(InputError, match=variable):
        wire.certificates()
    monkeypatch.setenv(variable, str(tmp_path))
    assert wire.certificates().get_ca_certs() == []


def test_an_unknown_certificate_is_told():
    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed")
    with pytest.raises(Failure, match="certificat") as caught, wire._told("s", 1):
        raise error
    assert "SSL_CERT_FILE" in caught.value.todo


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://a.fr/x?a=1&apikey=s3cret&b=2", "https://a.fr/x?a=1&apikey=***&b=2"),
        ("https://a.fr/x?access_token=s3cret", "https://a.fr/x?access_token=***"),
        ("http://jean:s3c@ret@proxy:3128/", "http://***@proxy:3128/"),
        ("https://a.fr/x?X-Amz-Signature=s3cret#f", "https://a.fr/x?X-Amz-Signature=***#f"),
        ("https://a.fr/x?q=a@b&typename=RPG", "https://a.fr/x?q=a@b&typename=RPG"),
        (
            "https://a.fr/x?cle=s3cret&access_key_id=s3cret",
            "https://a.fr/x?cle=***&access_key_id=***",
        ),
    ],
)
def test_secrets_are_masked(text, shown):
    assert masked(text) == shown


def test_secrets_are_never_logged_nor_kept(server, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    secret = ask(params=(("apikey", "s3cret"),))
    server.on("/a", send(b"", 503), send(GOOD), send(b"apikey=s3cret", 404))
    with open_session(tmp_path, pace={"s": QUICK}, hosts={PUBLIC: server.url}) as session:
        answer = session.get(secret)
    with (
        open_session(
            tmp_path, pace={"s": QUICK}, hosts={PUBLIC: server.url}, refresh=True
        ) as session,
        pytest.raises(Failure) as caught,
    ):
        session.get(secret)
    assert "apikey=s3cret" in server.asked[0].path
    assert "s3cret" not in caplog.text + str(caught.value) + answer.url
    assert "HTTP Request: GET" in caplog.text
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or b"s3cret" not in path.read_bytes()


@pytest.mark.usefixtures("session")
def test_retries_are_not_printed():
    handlers = logging.getLogger("stamina").handlers
    assert [type(handler) for handler in handlers] == [logging.NullHandler]


def test_progress_is_told(server, tmp_path):
    seen = []
    server.on("/a", send(GOOD))
    server.on("/b", gzipped())
    with open_session(
        tmp_path, pace={}, hosts={PUBLIC: server.url}, progress=lambda *a: seen.append(a)
    ) as session:
        session.get(ask())
        session._pace = {"s": QUICK}
        session._gates.clear()
        session.get(ask("/b"))
    assert seen[0][0] == ask()
    assert seen[-1] == (ask("/b"), len(GOOD), None)
    assert (ask(), len(GOOD), len(GOOD)) in seen


def test_size_before_and_after(server, session):
    server.on("/a", file(GOOD, etag='"1"'))
    assert session.size(ask()) == len(GOOD)
    assert server.count("/a", "HEAD") == 1
    session.get(ask())
    assert session.size(ask()) == 0
    assert server.count("/a", "HEAD") == 1
    assert session.size(ask(fresh_days=0)) == 0  # HEAD answers 304
    server.on("/b", send(b"", 405))
    assert session.size(ask("/b")) is None
    assert session.size(ask("/c")) is None
    assert session.size(ask(method="POST", form=(("a", "1"),))) is None


def test_absent_modules_are_told(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "stamina", None)
    with (
        pytest.raises(InputError, match=r"« stamina ».*\n.*friches\[fetch\]"),
        open_session(tmp_path, pace={}),
    ):
        pass

"""The cache: resumed, revalidated, verified, shared by two processes, whole after a kill."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from loopback import Loopback, cut, file, send, serving

from friches.fetch.failure import Failure
from friches.fetch.pace import Pace
from friches.fetch.session import Request, open_session
from friches.fetch.store import Begun, Store, default_cache

PUBLIC = "https://data.example.fr"
QUICK = Pace(1000, 1000, 8, retries=3, deadline=5, first_wait=0.01, longest_wait=0.02)
BODY = random.Random(6).randbytes(300_000)
TAGGED = {"etag": '"v1"', "modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
OLD = {"etag": '"v0"', "modified": "Sun, 01 Jan 2023 00:00:00 GMT"}


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
def opened(server, tmp_path):
    """Give a way to open sessions on one cache."""

    def opening(retries=3, **how):
        pace = {"s": QUICK._replace(retries=retries)}
        return open_session(tmp_path / "cache", pace=pace, hosts={PUBLIC: server.url}, **how)

    return opening


def ask(path="/a", **changes):
    return Request("s", PUBLIC + path, **changes)


def body(answer):
    return answer.path.read_bytes()


def ranges(server):
    return [a.headers["Range"] for a in server.asked]


def files(tmp_path, kind):
    return sorted(p for p in (tmp_path / "cache" / kind).rglob("*") if p.is_file())


def half(opened, request=None):
    """Leave a download half-way."""
    with opened(retries=0) as session, pytest.raises(Failure, match="coupée"):
        session.get(request or ask())


# Resuming.


@pytest.mark.parametrize("marks", [TAGGED, {"etag": '"v1"'}, {"modified": TAGGED["modified"]}])
def test_resumed_within_a_session(server, opened, marks):
    good = file(BODY, **marks)
    server.on("/a", cut(good, 100_000), cut(good, 50_000), good)
    with opened() as session:
        assert body(session.get(ask())) == BODY
    assert ranges(server) == [None, "bytes=100000-", "bytes=150000-"]
    mark = marks.get("etag") or marks["modified"]
    assert [a.headers["If-Range"] for a in server.asked] == [None, mark, mark]


def test_resumed_by_a_later_session(server, opened, tmp_path):
    good = file(BODY, **TAGGED)
    server.on("/a", cut(good, 100_000), good)
    half(opened)
    assert len(files(tmp_path, "parts")) == 2
    with opened() as session:
        assert body(session.get(ask())) == BODY
    assert ranges(server) == [None, "bytes=100000-"]
    assert files(tmp_path, "parts") == []


def test_size_of_what_is_left(server, opened):
    good = file(BODY, **TAGGED)
    server.on("/a", cut(good, 100_000), good)
    half(opened)
    with opened() as session:
        assert session.size(ask()) == 200_000


def test_size_of_what_cannot_be_resumed(server, opened):
    server.on("/a", cut(file(BODY), 100_000), file(BODY))
    half(opened)
    with opened() as session:
        assert session.size(ask()) == len(BODY)


def test_server_that_ignores_ranges(server, opened):
    good = file(BODY, ranges=False, **TAGGED)
    server.on("/a", cut(good, 100_000), good)
    half(opened)
    with opened() as session:
        assert body(session.get(ask())) == BODY
    assert ranges(server) == [None, "bytes=100000-"]


def test_changed_file_is_begun_again(server, opened):
    server.on("/a", cut(file(BODY[::-1], **OLD), 100_000), file(BODY, **TAGGED))
    half(opened)
    with opened() as session:
        assert body(session.get(ask())) == BODY


def lying(start, etag='"v1"', total=None):
    """Answer a range that was not asked for."""

    def answer(handler):
        if "Range" not in handler.headers:
            return file(BODY, **TAGGED)(handler)
        rest = BODY[start:]
        span = f"bytes {start}-{len(BODY) - 1}/{total or len(BODY)}"
        return send(rest, 206, ETag=etag, Content_Range=span)(handler)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        lying(0),
        lying(100_001),
        lying(100_000, etag='"v2"'),
        lying(100_000, total=len(BODY) + 1),
    ],
    ids=["from the start", "further", "other version", "other size"],
)
def test_a_wrong_range_is_never_joined(server, opened, answer):
    server.on("/a", cut(file(BODY, **TAGGED), 100_000), answer)
    half(opened)
    with opened() as session:
        assert body(session.get(ask())) == BODY
    assert ranges(server) == [None, "bytes=100000-", None]


def test_a_partial_answer_that_was_not_asked_for(server, opened):
    span = f"bytes 0-99/{len(BODY)}"
    server.on("/a", send(BODY[:100], 206, Content_Range=span), file(BODY))
    with opened() as session:
        assert body(session.get(ask())) == BODY


def test_range_refused_begins_again(server, opened):
    good = file(BODY, **TAGGED)
    server.on("/a", cut(good, 100_000), send(b"", 416, Content_Range="bytes */50"), good)
    half(opened)
    with opened() as session:
        assert body(session.get(ask())) == BODY
    assert ranges(server) == [None, "bytes=100000-", None]


def test_range_refused_because_all_is_there(server, opened, tmp_path):
    def endless(handler):  # no size announced: only the 416 tells that the part is whole
        handler.close_connection = True
        handler.send_response(200)
        handler.send_header("ETag", '"v1"')
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(f"{len(BODY):x}\r\n".encode() + BODY + b"\r\n")

    server.on("/a", endless, file(BODY, **TAGGED))
    half(opened)
    with opened() as session:
        assert body(session.get(ask())) == BODY
    assert ranges(server) == [None, f"bytes={len(BODY)}-"]


@pytest.mark.parametrize("marks", [{}, {"etag": 'W/"v1"'}])
def test_without_a_strong_mark_nothing_is_resumed(server, opened, marks):
    good = file(BODY, **marks)
    server.on("/a", cut(good, 100_000), good)
    half(opened)
    with opened() as session:
        assert body(session.get(ask())) == BODY
    assert ranges(server) == [None, None]


def test_compressed_transfers_and_posts_are_not_resumed(server, opened):
    text = b"[" + b"1," * 1000 + b"1]"
    packed = gzip.compress(text)
    good = send(packed, Content_Encoding="gzip", ETag='"v1"')
    server.on("/a", cut(good, 20), good)
    posted = send(text, ETag='"v1"')
    server.on("/p", cut(posted, 20), posted)
    with opened() as session:
        assert body(session.get(ask(accepts="json"))) == text
        assert body(session.get(ask("/p", method="POST", form=(("a", "1"),)))) == text
    assert ranges(server) == [None] * 4


def test_resumed_into_rubbish_is_thrown_away(server, opened):
    text = gzip.compress(BODY)
    good = file(text, **TAGGED)
    server.on("/a", cut(file(text[:1000] + text[::-1], **TAGGED), 100_000), good)
    half(opened, ask(accepts="gzip"))
    with opened() as session:
        assert body(session.get(ask(accepts="gzip"))) == text
    assert ranges(server) == [None, "bytes=100000-", None]


# Freshness, revalidation, offline.


def test_fresh_answers_are_not_asked_again(server, opened):
    server.on("/a", file(BODY, **TAGGED))
    for _ in range(2):
        with opened() as session:
            session.get(ask())
    assert len(server.asked) == 1


@pytest.mark.parametrize(("days", "count"), [(29.999, 1), (30, 2), (45, 2), (-1, 2)])
def test_freshness_at_the_day(server, opened, monkeypatch, days, count):
    server.on("/a", file(BODY, **TAGGED))
    with opened() as session:
        session.get(ask())
    now = time.time
    monkeypatch.setattr("friches.fetch.session.time.time", lambda: now() + days * 86400)
    with opened() as session:
        session.get(ask())
    assert len(server.asked) == count


@pytest.mark.parametrize("marks", [TAGGED, {"etag": 'W/"v1"'}, {"modified": TAGGED["modified"]}])
def test_unchanged_answers_are_not_downloaded_again(server, opened, marks):
    server.on("/a", file(BODY, **marks))
    with opened() as session:
        first = session.get(ask(fresh_days=0))
    with opened() as session:
        again = session.get(ask(fresh_days=0))
        assert session.get(ask(fresh_days=0)) == again  # asked once a session
    assert again == first._replace(from_cache=True)
    assert len(server.asked) == 2
    assert server.asked[1].headers["If-None-Match"] == marks.get("etag")


def test_changed_answers_are_downloaded_again(server, opened, tmp_path):
    server.on("/a", file(b"old", **OLD), file(BODY, **TAGGED))
    with opened() as session:
        assert body(session.get(ask(fresh_days=0))) == b"old"
    with opened() as session:
        answer = session.get(ask(fresh_days=0))
    assert (body(answer), answer.from_cache, answer.etag) == (BODY, False, '"v1"')


def test_refresh_asks_everything_again_once(server, opened):
    server.on("/a", file(BODY, **TAGGED))
    server.on("/b", file(b"other"))
    with opened() as session:
        session.get(ask())
        session.get(ask("/b"))
    with opened(refresh=True) as session:
        assert session.get(ask()).from_cache
        assert not session.get(ask("/b")).from_cache
        session.get(ask())
    assert (server.count("/a"), server.count("/b")) == (2, 2)


def test_a_dead_service_leaves_the_old_copy_and_says_so(server, opened):
    server.on("/a", file(BODY, **TAGGED), send(b"", 503))
    with opened() as session:
        first = session.get(ask(fresh_days=0))
    with opened() as session:
        answer = session.get(ask(fresh_days=0))
        assert body(answer) == BODY
        assert answer.note.startswith(f"copie du {first.retrieved_on}, non vérifiée : réponse 503")
    with opened(refresh=True) as session, pytest.raises(Failure, match="503"):
        session.get(ask())


def test_offline_serves_the_cache_whatever_its_age_and_tells_what_is_missing(server, opened):
    server.on("/a", file(BODY, **TAGGED))
    with opened() as session:
        session.get(ask(fresh_days=0))
    with opened(offline=True) as session:
        assert body(session.get(ask(fresh_days=0))) == BODY
        assert session.size(ask(fresh_days=0)) == 0
        with pytest.raises(Failure, match=r"hors connexion.*https://data\.example\.fr/b"):
            session.get(ask("/b"))
        assert session.size(ask("/b")) is None
    assert len(server.asked) == 1


# Content addresses, verification.


def test_bodies_are_named_by_content_and_shared(server, opened, tmp_path):
    server.on("/a", file(BODY))
    server.on("/b", file(BODY))
    with opened() as session:
        first, second = session.get(ask()), session.get(ask("/b"))
    assert first.path == second.path
    assert first.path.name == first.sha256 == hashlib.sha256(BODY).hexdigest()
    assert files(tmp_path, "bodies") == [first.path]
    assert files(tmp_path, "parts") == []


@pytest.mark.parametrize("damage", [b"x", BODY[:-1], bytes([BODY[0] ^ 1]) + BODY[1:], None])
def test_a_damaged_body_is_fetched_again(server, opened, damage):
    server.on("/a", file(BODY, **TAGGED))
    with opened() as session:
        path = session.get(ask()).path
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    with opened(offline=True) as session, pytest.raises(Failure, match="abîmé"):
        session.get(ask())
    with opened() as session:
        answer = session.get(ask())
    assert (body(answer), answer.from_cache) == (BODY, False)
    assert "If-None-Match" not in server.asked[-1].headers


def test_damage_during_a_session_is_seen(server, opened):
    server.on("/a", file(BODY, **TAGGED))
    with opened() as session:
        path = session.get(ask()).path
        state = path.stat()
        path.write_bytes(BODY[::-1])
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
        assert body(session.get(ask())) == BODY


def test_forgotten_answers_are_asked_again(server, opened):
    server.on("/a", file(b"empty", **OLD), file(BODY, **TAGGED))
    with opened() as session:
        session.get(ask())
        session.forget(ask())
        assert body(session.get(ask())) == BODY
        assert "If-None-Match" not in server.asked[-1].headers
    with opened(offline=True) as session:
        session.forget(ask())
        assert body(session.get(ask())) == BODY


@pytest.mark.parametrize("text", ["", "{", "[]", '{"sha256": "../../x"}', '{"a": 1}'])
def test_a_damaged_record_is_fetched_again(server, opened, tmp_path, text):
    server.on("/a", file(BODY))
    with opened() as session:
        session.get(ask())
    (record,) = files(tmp_path, "answers")
    record.write_text(text)
    with opened() as session:
        assert not session.get(ask()).from_cache


def test_key_changes_with_all_that_changes_the_answer():
    requests = [
        ask(),
        ask("/b"),
        ask(params=(("a", "1"),)),
        ask(params=(("a", "1"), ("b", "2"))),
        ask(params=(("b", "2"), ("a", "1"))),
        ask(method="POST"),
        ask(method="POST", form=(("a", "1"),)),
        ask(method="POST", json={"a": 1}),
    ]
    assert len({r.key for r in requests}) == len(requests)
    assert ask(fresh_days=1, most_bytes=5, accepts="csv").key == ask().key


# Kills and other processes.

SCRIPT = """
import sys
from pathlib import Path
from friches.fetch.session import open_session, Request, Pace
pace = {"s": Pace(1000, 1000, 8, retries=0, deadline=10)}
with open_session(Path(sys.argv[1]), pace=pace, hosts={sys.argv[2]: sys.argv[3]}) as session:
    for path in sys.argv[4:]:
        answer = session.get(Request("s", sys.argv[2] + path))
        print(answer.from_cache, answer.sha256, flush=True)
"""


def start(server, tmp_path, *paths):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "cache"), PUBLIC, server.url, *paths]
    here = str(Path(__file__).resolve().parent.parent)
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": here}
    )


def slowly(answer, wait):
    def slow(handler):
        time.sleep(wait)
        answer(handler)

    return slow


def test_two_processes_share_a_cache(server, tmp_path):
    paths = [f"/{n}" for n in range(6)]
    for n, path in enumerate(paths):
        server.on(path, slowly(file(BODY[n:]), 0.05))
    running = [start(server, tmp_path, *order) for order in (paths, paths[::-1])]
    said = [sorted(p.communicate(timeout=60)[0].split("\n")) for p in running]
    assert [p.returncode for p in running] == [0, 0]
    hashes = sorted(hashlib.sha256(BODY[n:]).hexdigest() for n in range(6))
    for lines in said:
        assert sorted(line.split()[1] for line in lines if line) == hashes
    assert sum("False" in line for lines in said for line in lines) == 6
    assert sorted(a.path for a in server.asked) == paths
    assert files(tmp_path, "parts") == []


def test_killed_in_the_middle_then_resumed(server, tmp_path, opened):
    good = file(BODY, **TAGGED)

    def stalled(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BODY)))
        handler.send_header("ETag", '"v1"')
        handler.end_headers()
        handler.wfile.write(BODY[:200_000])
        time.sleep(20)

    server.on("/a", good)
    server.on("/b", stalled, good)
    process = start(server, tmp_path, "/a", "/b")
    part = tmp_path / "cache" / "parts" / ask("/b").key
    for _ in range(1000):
        if part.exists() and part.stat().st_size:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.communicate(timeout=10)[0].startswith("False")
    got = part.stat().st_size
    assert 0 < got <= 200_000
    with opened() as session:
        assert session.get(ask("/a")).from_cache
        assert body(session.get(ask("/b"))) == BODY
    assert ranges(server) == [None, None, f"bytes={got}-"]


class Killed(BaseException):
    """Stands for a kill at a chosen line."""


@pytest.mark.parametrize("marks", [TAGGED, {}], ids=["marked", "unmarked"])
@pytest.mark.parametrize("at", ["_write_answer", "_place", "drop"])
def test_killed_after_the_last_byte_downloads_nothing_twice(server, opened, monkeypatch, at, marks):
    server.on("/a", file(BODY, **marks))
    real = getattr(Store, at)
    calls = []

    def dying(*args):
        calls.append(args)
        if at == "drop" and len(calls) == 1:  # the one before the download
            return real(*args)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Store, at, dying)
        with opened() as session, pytest.raises(Killed):
            session.get(ask())
    with opened() as session:
        assert body(session.get(ask())) == BODY
    assert len(server.asked) == 1


def test_killed_before_the_rename_of_a_body_without_size_nor_mark(server, opened, monkeypatch):
    def chunked(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(f"{len(BODY):x}\r\n".encode() + BODY + b"\r\n0\r\n\r\n")

    server.on("/a", chunked)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "_place", lambda *_: (_ for _ in ()).throw(Killed))
        with opened() as session, pytest.raises(Killed):
            session.get(ask())
    with opened(offline=True) as session:
        assert body(session.get(ask())) == BODY
    assert len(server.asked) == 1


def test_killed_again_and_again_ends_the_same(server, tmp_path, opened):
    """Kill the same downloads at seeded moments; no whole file is asked for twice."""
    paths = [f"/{n}" for n in range(4)]

    def slow(path, data):
        good = file(data, etag=f'"{path}"')

        def answer(handler):
            plain = handler.wfile

            class Slow:
                def write(self, piece):
                    for at in range(0, len(piece), 30_000):
                        plain.write(piece[at : at + 30_000])
                        plain.flush()
                        time.sleep(0.02)

                def flush(self):
                    plain.flush()

            handler.wfile = Slow()
            good(handler)
            handler.wfile = plain

        return answer

    for n, path in enumerate(paths):
        server.on(path, slow(path, BODY[n:]))
    draw = random.Random(20)
    for _ in range(3):
        process = start(server, tmp_path, *paths)
        try:
            process.communicate(timeout=0.5 + draw.random())
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
    kept = {p.name for p in files(tmp_path, "bodies")}
    before = len(server.asked)
    with opened() as session:
        for n, path in enumerate(paths):
            answer = session.get(ask(path))
            assert body(answer) == BODY[n:]
            assert answer.from_cache is (answer.sha256 in kept)
    assert len(server.asked) - before == len(paths) - len(kept)


def test_a_half_written_promise_is_begun_again(tmp_path, server, opened):
    server.on("/a", cut(file(BODY, **TAGGED), 100_000), file(BODY, **TAGGED))
    half(opened)
    (tmp_path / "cache" / "parts" / f"{ask().key}.json").write_text('{"etag": "\\"v')
    with opened() as session:
        assert body(session.get(ask())) == BODY
    assert ranges(server) == [None, None]


def test_marks_to_resume_by():
    assert Begun('"a"', "Mon", 1, "", True).mark == '"a"'
    assert Begun('W/"a"', "Mon", 1, "", True).mark == "Mon"
    assert Begun('W/"a"', "", 1, "", True).mark == ""
    assert Begun('"a"', "Mon", 1, "", False).mark == ""


def test_records_hold_what_provenance_needs(server, opened, tmp_path):
    server.on("/a", file(BODY, **TAGGED))
    with opened() as session:
        answer = session.get(ask())
    (record,) = files(tmp_path, "answers")
    kept = json.loads(record.read_text())
    assert kept["sha256"] == answer.sha256
    assert kept["retrieved_on"] == str(answer.retrieved_on)
    assert (kept["etag"], kept["modified"]) == (TAGGED["etag"], TAGGED["modified"])


def test_default_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("FRICHES_CACHE", str(tmp_path / "own"))
    assert default_cache() == tmp_path / "own"
    monkeypatch.delenv("FRICHES_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert default_cache() == tmp_path / "xdg" / "friches"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert default_cache() == tmp_path / "local" / "friches" / "cache"
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / "Library" / "Caches" / "friches"


def test_a_folder_that_cannot_be_used(tmp_path):
    from friches.errors import InputError

    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cache"):
        Store(tmp_path / "file")

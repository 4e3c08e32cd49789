"""Files of the build: which form, for how long, and as what."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from pathlib import Path
from typing import Any

import brotli
import pytest
from starlette.routing import Route

from pillarbox.config.web import WebSettings
from pillarbox.web.app.build import Build, BuiltFile, find_build
from pillarbox.web.app.served import Files, choose_coding
from pillarbox.web.application import make_application
from support.asgi import Answered, ask
from support.built import SCRIPT, write_build
from support.fake_clock import FakeClock


@pytest.fixture
def build(tmp_path: Path) -> Build:
    found = find_build(write_build(tmp_path))
    assert found is not None
    return found


def answer(build: Build | None, path: str, **headers: Any) -> Answered:
    files = Files(build)
    application = make_application(
        [
            Route("/assets/{name:path}", files.get_asset, methods=["GET"]),
            Route("/sw.js", files.get_worker, methods=["GET"]),
        ],
        clock=FakeClock(),
        settings=WebSettings(),
        hosts=("mail.example.org",),
        is_certified=lambda name: False,
    )
    return asyncio.run(ask(application, path, **headers))


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("GZIP ; q = 1.0", "gzip"),
        ("gzip;q=0.000", None),
        ("gzip;q=0.001", "gzip"),
        ("zstd", None),
        ("", None),
        ("br" * 5000, None),
    ],
)
def test_the_smallest_form_that_is_accepted(build: Build, accepted: str, coding: str) -> None:
    found = answer(build, "/assets/index-abc.js", accept_encoding=accepted)
    assert found.headers.get("content-encoding") == coding
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[coding]
    assert unpack(found.body) == SCRIPT
    assert found.headers["vary"] == "Accept-Encoding"
    assert found.headers["content-length"] == str(len(found.body))


def test_hashed_names_are_kept_for_ever_and_have_their_type(build: Build) -> None:
    found = answer(build, "/assets/index-abc.js")
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert found.headers["content-type"] == "text/javascript; charset=utf-8"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert answer(build, "/assets/icon-abc.svg").headers["content-type"] == "image/svg+xml"


def test_who_has_a_form_gets_it_no_more(build: Build) -> None:
    first = answer(build, "/assets/index-abc.js", accept_encoding="br")
    again = answer(
        build,
        "/assets/index-abc.js",
        accept_encoding="br",
        if_none_match=f'"other", W/{first.headers["etag"]}',
    )
    assert (again.status, again.body) == (304, b"")
    other_form = answer(
        build, "/assets/index-abc.js", accept_encoding="gzip", if_none_match=first.headers["etag"]
    )
    assert other_form.status == 200


def test_the_worker_is_asked_for_each_time_and_may_do_little(build: Build) -> None:
    found = answer(build, "/sw.js")
    assert found.headers["cache-control"] == "no-cache"
    assert found.headers["service-worker-allowed"] == "/mail/"
    assert "default-src 'none'" in found.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/assets/",
        "/assets/nothing.js",
        "/assets/../index.html",
        "/assets/../../../__init__.py",
        "/assets/%2e%2e/index.html",
        "/assets//etc/passwd",
    ],
)
def test_there_is_nothing_but_what_was_built(build: Build, path: str) -> None:
    assert answer(build, path).status == 404
    assert answer(None, path).status == 404


def test_half_a_build_is_none(tmp_path: Path) -> None:
    assert find_build(tmp_path / "nothing") is None
    folder = write_build(tmp_path)
    (folder / "assets" / "index-abc.js").unlink()
    assert find_build(folder) is None


def test_etags_are_of_the_content(build: Build) -> None:
    file: BuiltFile = build.files["assets/index-abc.js"]
    assert file.etag == hashlib.sha256(SCRIPT).hexdigest()[:16]
    assert choose_coding(file, "identity") == "identity"

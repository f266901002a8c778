"""Which folders a visitor may name: his own on his own computer, those that the owner names, and no others."""

import os
from pathlib import Path

import pytest
from starlette.responses import Response
from starlette.testclient import TestClient

from pages import trust, uploads
from xmr.modality import BadInput

HERE = {"Host": "localhost:8501", "Origin": "http://localhost:8501"}


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    home = tmp_path / "home"
    (home / "Pictures").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
@pytest.mark.parametrize(
    "headers",
    [
        HERE,
        {"Host": "127.0.0.1:8501", "Origin": "http://127.0.0.1:8501"},
        {"Host": "[::1]:8501"},
        {"Host": "localhost", "Origin": "http://localhost:8080"},
    ],
)
def test_who_sits_at_the_computer_may_name_folders_of_his_own(home, address, headers):
    assert home in trust._roots(None, address, headers)


@pytest.mark.parametrize("address", [None, "0.0.0.0", "::", "192.168.1.7", "photos.example", "unix:///run/xmr.sock"])
def test_a_server_that_others_reach_offers_no_folder(home, address):
    assert trust._roots(None, address, HERE) == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "evil.example:8501", "Origin": "http://evil.example:8501"},  # DNS rebinding
        {"Host": "localhost.evil.example"},
        {"Host": "localhost:8501", "Origin": "https://photos.example"},
        {"Host": "localhost:8501", "Origin": "null"},
        {"Host": "localhost@evil.example"},
        {"Host": "[oops"},
        *(
            {**HERE, name: "x"}
            for name in ("X-Forwarded-For", "X-Forwarded-Host", "x-forwarded-proto", "Forwarded", "Via", "X-Real-Ip")
        ),
    ],
)
def test_a_visit_by_another_name_or_through_a_proxy_is_offered_no_folder(home, headers):
    assert trust._roots(None, "localhost", headers) == []


@pytest.mark.parametrize("address", [None, "0.0.0.0", "localhost"])
def test_folders_that_the_owner_names_are_for_everyone_and_nothing_else_is(home, tmp_path, address):
    named = os.pathsep.join([str(tmp_path / "a"), "", "~/Pictures"])
    for headers in (HERE, {"Host": "photos.example", "X-Forwarded-For": "1.2.3.4"}):
        assert trust._roots(named, address, headers) == [tmp_path / "a", home / "Pictures"]
        assert trust._roots("", address, headers) == []


def test_a_home_that_is_the_whole_computer_is_not_offered(monkeypatch):
    monkeypatch.setenv("HOME", "/")
    assert Path("/") not in trust._roots(None, "localhost", HERE)


@pytest.mark.parametrize(
    "given",
    [
        "{home}/Pictures",
        "~/Pictures",
        " '{home}/Pictures' ",
        '"{home}/Pictures"',
        "file://{home}/Pictures",
        "file://localhost{home}/Pi%63tures",
        "{home}/Pictures/",
        "{home}/x/../Pictures",
        "{home}/link",
    ],
)
def test_a_folder_is_found_however_it_is_written(home, given):
    (home / "link").symlink_to(home / "Pictures")
    assert trust.own_folder(given.format(home=home), [home]) == home / "Pictures"


@pytest.mark.parametrize(
    "given",
    [
        "/etc",
        "/",
        "{home}",
        "{home}/..",
        "{home}/Pictures/../..",
        "{home}/Pictures/out",
        "{home}/Pictures/out/deeper",
        "/no/such/folder",
        "~root",
        "~nosuchuser/x",
        "{home}/loop",
        "{home}/Pictures2",
        "file:///etc",
    ],
)
def test_a_folder_elsewhere_is_refused_whether_it_exists_or_not(home, given):
    (home / "Pictures" / "out").symlink_to("/etc")
    (home / "loop").symlink_to(home / "loop")
    (home / "Pictures2").mkdir()
    with pytest.raises(BadInput, match="is not among the folders that may be used here"):
        trust.own_folder(given.format(home=home), [home / "Pictures"])


def test_a_user_that_is_not_there_is_no_folder_even_where_all_are_allowed():
    with pytest.raises(BadInput, match="is not among the folders that may be used here"):
        trust.own_folder("~nosuchuser", [Path("/")])


@pytest.mark.parametrize(
    "given",
    [
        "",
        "  ",
        "''",
        "Pictures",
        "./Pictures",
        "../x",
        "~nosuchuser/x",
        "/a\0b",
        "{home}/" + "n" * 5000,
        "file://other.example/x",
        "{home}/loop",
    ],
)
def test_an_odd_path_is_refused_in_a_sentence(home, given):
    (home / "loop").symlink_to(home / "loop")
    with pytest.raises(BadInput) as error:
        trust.own_folder(given.format(home=home), [home])
    assert len(str(error.value)) < 400


def test_where_uploads_are_kept_is_no_folder_for_anyone(home, monkeypatch):
    monkeypatch.setattr(uploads.tempfile, "tempdir", str(home))
    others = uploads.Uploads()
    for folder in (others.folder, others.folder.parent):
        with pytest.raises(BadInput, match="not among the folders"):
            trust.own_folder(str(folder), [home])
    uploads.end_all()


@pytest.mark.parametrize(
    ("address", "kind", "told"),
    [
        ("localhost", "text/html", "frame-ancestors 'self'"),
        ("127.0.0.1", "text/html; charset=utf-8", "frame-ancestors 'self'"),
        ("localhost", "image/png", None),
        ("0.0.0.0", "text/html", None),
        (None, "text/html", None),
    ],
)
def test_no_other_site_has_the_app_of_this_computer_in_a_frame(monkeypatch, address, kind, told):
    monkeypatch.setattr(trust.st, "get_option", lambda name: address)
    app = trust.KeepOutOfFrames(Response("here", media_type=kind))
    assert TestClient(app).get("/").headers.get("content-security-policy") == told

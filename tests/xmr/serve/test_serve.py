"""The REST API: it answers as a Searcher does, and refuses with the right status and one sentence."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from PIL import Image
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.conftest import pictures
from tests.xmr.serve.conftest import KEY
from xmr.gallery import Gallery
from xmr.modality import BadInput, Drawing, Modality, Query, Term
from xmr.remote import RemoteSearcher, Server
from xmr.search import Searcher
from xmr.serve import Limits
from xmr.system import System

ROOT = Path(__file__).parents[3]
SQUARE = [[[20.0, 80], [110, 80], [110, 180], [20, 180], [20, 80]]]


def file(image: Image.Image, kind: str = "PNG") -> bytes:
    held = io.BytesIO()
    image.save(held, kind)
    return held.getvalue()


def picture(id: str) -> bytes:
    return next(file(image) for name, image, _ in pictures() if name == id)


@pytest.fixture
def client(api, running):
    with httpx.Client(base_url=running(api(writable=True)), timeout=20) as one:
        wait_until_ready(one)
        yield one


def wait_until_ready(client: httpx.Client) -> None:
    for _ in range(200):
        if client.get("/ready").status_code == 200:
            return
        time.sleep(0.02)
    raise AssertionError("it never was ready")


def ask(client: httpx.Client, *terms: dict, **options) -> httpx.Response:
    return client.post("/search", json={"terms": list(terms), **options})


def test_json_is_answered_as_a_searcher_answers(client, own_gallery, system):
    photo = {"modality": "photo", "picture": base64.b64encode(picture("red-left")).decode()}
    text, drawing = {"modality": "text", "text": "a blue photo"}, {"modality": "sketch", "strokes": SQUARE}
    minus = {"modality": "text", "text": "ein rotes bild", "weight": -1}
    with Gallery.open(own_gallery) as gallery:
        searcher = Searcher(system, gallery)
        for terms, parts in (
            ([text], {"text": "a blue photo"}),
            ([photo], {"photo": picture("red-left")}),
            ([text, drawing, minus], {"text": "a blue photo", "minus_text": "ein rotes bild", "sketch": drawn()}),
        ):
            told = ask(client, *terms, k=4).json()
            wanted = searcher.search(k=4, **parts)
            assert [(hit["id"], hit["rank"]) for hit in told["hits"]] == [(hit.id, hit.rank) for hit in wanted]
            assert [hit["score"] for hit in told["hits"]] == pytest.approx([hit.score for hit in wanted], abs=1e-5)
            assert told["hits"][0]["match"] == pytest.approx(wanted[0].match, abs=1e-5)
    best = ask(client, text, where={"place": "right"}, exclude=["green-right"]).json()["hits"]
    assert [hit["id"] for hit in best] == ["blue-right", "red-right"]
    assert best[0]["facts"]["place"] == "right" and best[0]["caption"] == "a blue photo"
    thumbnail = client.get(best[0]["thumbnail"])
    assert thumbnail.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(thumbnail.content)).size == (256, 256)
    captions = ask(client, text, captions=True, language="de", k=1).json()["hits"]
    assert captions[0]["caption"] == "ein blaues bild"


def drawn() -> Drawing:
    return Drawing(tuple(np.array(stroke) for stroke in SQUARE))


def test_a_form_is_answered_as_json_is(client):
    fields = {"text": ["a red photo"], "minus_text": ["blaues"], "k": "3", "where": '{"place": "left"}'}
    files = [("photo", ("any name", picture("red-left"))), ("sketch", ("d.png", picture("red-left")))]
    told = client.post("/search", data=fields, files=files).json()
    assert told["hits"][0]["id"] == "red-left" and len(told["hits"]) == 3
    alone = client.post("/search", files={"photo": ("x", picture("green-right"))}).json()
    assert alone["hits"][0]["id"] == "green-right"


def test_words_are_read_as_people_type_them_unless_they_are_exact(client):
    told = ask(client, {"modality": "text", "text": "a photo, no red"}).json()
    assert told["unwanted"] == ["red"]
    assert ask(client, {"modality": "text", "text": "a photo, no red"}, exact=True).json()["unwanted"] == []


def test_photos_are_added_with_their_vectors_found_and_removed(client, own_gallery):
    new = file(Image.new("RGB", (300, 200), (250, 250, 30)), "JPEG")
    given = {"facts": '{"category": "lemon"}', "caption": "a photo", "language": "en"}
    added = client.post("/photos", files={"photo": ("y.jpg", new)}, data=given)
    (id,) = added.json()["added"]
    assert added.status_code == 201 and client.get("/gallery").json()["photos"] == 7
    again = client.post("/photos", files={"photo": ("z.jpg", new)}).json()
    assert again == {"added": [], "known": [id]}
    found = client.post("/search", files={"photo": ("x", new)}, data={"k": "1"}).json()["hits"][0]
    assert found["id"] == id and found["facts"] == {"category": "lemon"} and found["caption"] == "a photo"
    with Gallery.open(own_gallery) as gallery:  # as another process sees it
        assert id in gallery.find([id])
    assert client.delete(f"/photos/{id}").json() == {"removed": id}
    assert client.delete(f"/photos/{id}").status_code == 404
    assert client.post("/search", files={"photo": ("x", new)}).json()["hits"][0]["id"] != id


NO_FACTS = {
    '{"category": 5}': "'category' cannot be 5",
    '{"x": NaN}': "'x' cannot be nan",
    '{"x": 1e999}': "'x' cannot be inf",
    '{"x": [1]}': "'x' cannot be \\[1\\]",
    '{"x": ""}': "'x' cannot be ''",
    '{"file": "/etc/passwd"}': "'file' cannot be",
    json.dumps({"x": "a" * 201}): "'x' cannot be 'aaa.* at most 200 letters",
    json.dumps({f"x{n}": n for n in range(41)}): "'x40' cannot be 40. A photo has at most 40 facts",
    "[]": "Facts are one JSON object",
}


def test_facts_and_captions_that_cannot_be_kept_are_refused_and_leave_the_gallery_whole(client):
    new = {"photo": ("y.jpg", file(Image.new("RGB", (80, 60), "yellow"), "JPEG"))}
    for facts, sentence in NO_FACTS.items():
        answer = client.post("/photos", files=new, data={"facts": facts})
        assert answer.status_code == 422 and re.search(sentence, answer.json()["error"]), (facts, answer.text)
    for wrong in ({"caption": "a" * 2001}, {"caption": "12"}, {"caption": "yellow", "language": "e1"}):
        assert client.post("/photos", files=new, data=wrong).status_code == 422
    odd = {"facts": '{"category": "half \\ud800", "shiny": true, "size": 2.5}', "caption": "yellow\0 one"}
    added = client.post("/photos", files=new, data=odd)
    assert added.status_code == 201, added.text
    (id,) = added.json()["added"]
    for where in (None, {"size": {"from": 2, "to": 3}}, {"category": "half ?"}):
        found = ask(client, {"modality": "text", "text": "a photo"}, where=where, k=7).json()["hits"]
        assert id in [hit["id"] for hit in found] and len(found) == (1 if where else 7)
    assert client.delete(f"/photos/{id}").json() == {"removed": id}


def test_of_photos_that_are_added_the_files_are_read_too(client):
    exif = Image.Exif()
    exif[0x0110], exif[0x010E] = "Camera One", "a blue photo"
    exif.get_ifd(0x8769)[0x9003] = "2024:05:17 09:30:00"
    held = io.BytesIO()
    Image.new("RGB", (80, 60), "orange").save(held, "JPEG", exif=exif)
    given = {"facts": '{"camera": "another"}', "caption": "a photo"}
    (id,) = client.post("/photos", files={"photo": ("o.jpg", held.getvalue())}, data=given).json()["added"]
    (found,) = ask(client, {"modality": "text", "text": "a photo"}, where={"taken": "2024-05"}).json()["hits"]
    assert found["id"] == id and found["facts"] == {"camera": "another", "taken": "2024-05-17T09:30:00"}


def test_one_photo_that_is_none_leaves_all_out(client):
    files = [("photo", ("a", picture("red-left"))), ("photo", ("b", b"no picture"))]
    refused = client.post("/photos", files=files)
    assert refused.status_code == 422 and "Photo 2 of 2" in refused.json()["error"]
    assert client.get("/gallery").json()["photos"] == 6


TEXT = {"modality": "text", "text": "red"}
REFUSED = {
    "no picture": (422, {"terms": [{"modality": "photo", "picture": base64.b64encode(b"x" * 99).decode()}]}, "picture"),
    "no base64": (422, {"terms": [{"modality": "photo", "picture": "no base64!"}]}, "base64"),
    "nothing wanted": (422, {"terms": [{**TEXT, "weight": -1}]}, "Say what to find"),
    "an empty text": (422, {"terms": [{"modality": "text", "text": "  "}]}, "empty"),
    "too many answers": (422, {"terms": [TEXT], "k": 10**6}, "k: Input should be less than or equal to 1000"),
    "too many terms": (422, {"terms": [TEXT] * 65}, "at most 64"),
    "an unknown field": (422, {"terms": [TEXT], "size": 3}, "size: Extra inputs"),
    "two contents": (422, {"terms": [{**TEXT, "vector": [1.0]}]}, "terms.0: a text is given by one of text, vector"),
    "another space": (422, {"terms": [{"modality": "text", "vector": [1.0, 2.0]}]}, "numbers of shape"),
    "an unknown fact": (422, {"terms": [TEXT], "where": {"smell": "x"}}, "has the fact 'smell'"),
    "captions by facts": (422, {"terms": [TEXT], "captions": True, "where": {"place": "left"}}, "have no facts"),
    "an unknown photo": (422, {"terms": [{"modality": "photo", "like": "none"}]}, "There is no photo 'none'"),
    "an unknown system": (404, {"terms": [TEXT], "system": "none"}, "There is no system 'none' here. Ask one of"),
    "no object": (422, [], "the request: Input should be a JSON object. /openapi.json"),
    "no term": (422, {"terms": ["red"]}, "terms.0: Input should be a JSON object. /openapi.json"),
}


def test_what_cannot_be_used_has_the_right_status_and_one_sentence(client):
    for name, (status, body, why) in REFUSED.items():
        answer = client.post("/search", json=body)
        assert answer.status_code == status and why in answer.json()["error"], (name, answer.text)
        assert answer.json()["request"] == answer.headers["x-request-id"]
    for status, asked, why in (
        (
            400,
            client.build_request("POST", "/search", content=b"{", headers={"content-type": "application/json"}),
            "JSON",
        ),
        (415, client.build_request("POST", "/search", content=b"red"), "application/json or as multipart"),
        (422, client.build_request("POST", "/search", files={"smell": ("x", b"x")}), "A query has no 'smell'"),
        (
            422,
            client.build_request("POST", "/search", data={"k": "2"}, files={"where": (None, "{}")}),
            "Say what to find",
        ),
        (404, client.build_request("GET", "/nothing"), "nothing at this address"),
        (405, client.build_request("PUT", "/search"), "PUT is not taken at this address. Ask with POST."),
        (404, client.build_request("GET", "/photos/none/thumbnail"), "There is no photo 'none'"),
        (415, client.build_request("POST", "/photos", json={}), "multipart"),
        (422, client.build_request("POST", "/photos", files={"other": ("x", b"x")}), "No photo came"),
    ):
        answer = client.send(asked)
        assert answer.status_code == status and why in answer.json()["error"], answer.text


@pytest.mark.parametrize("path", ["/search", "/encode", "/explain"])
def test_a_body_of_another_kind_is_refused_alike_everywhere(client, path):
    body = json.dumps({"terms": [TEXT], "ids": ["red-left"]}).encode()
    refused = client.post(path, content=body, headers={"content-type": "application/x-www-form-urlencoded"})
    assert refused.status_code == 415 and "sent as application/json" in refused.json()["error"]
    refused = client.post(path, content=b"{", headers={"content-type": "application/json"})
    assert refused.status_code == 400 and "That is no JSON" in refused.json()["error"]


def test_head_is_answered_as_get_without_the_body_and_a_wrong_method_names_the_right_one(client):
    for path in ("/health", "/gallery", "/photos/red-left/thumbnail"):
        asked, whole = client.head(path), client.get(path)
        assert asked.status_code == 200 and asked.content == b""
        assert asked.headers["content-length"] == whole.headers["content-length"] == str(len(whole.content))
    assert client.head("/nothing").status_code == 404
    for method, path, right in (
        ("OPTIONS", "/search", "POST"),
        ("HEAD", "/search", "POST"),
        ("POST", "/health", "GET"),
    ):
        refused = client.request(method, path)
        assert (refused.status_code, refused.headers["allow"]) == (405, right)


def test_the_key_is_needed_but_for_health_and_readiness(api, running):
    with httpx.Client(base_url=running(api(key=KEY))) as client:
        wait_until_ready(client)
        assert client.get("/health").status_code == 200
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"X-API-Key": "ä".encode("latin-1")}):
            refused = client.get("/gallery", headers=headers)
            assert refused.status_code == 401 and "Authorization: Bearer KEY" in refused.json()["error"]
            assert client.get("/metrics", headers=headers).status_code == 401
        for headers in ({"Authorization": f"Bearer {KEY}"}, {"X-API-Key": KEY}, {"authorization": f"bearer {KEY}"}):
            assert client.get("/gallery", headers=headers).status_code == 200
        keyed = {"Authorization": f"Bearer {KEY}"}
        assert client.post("/photos", files={"photo": ("x", b"x")}, headers=keyed).status_code == 403  # only searches
        assert client.delete("/photos/red-left", headers=keyed).status_code == 403


def test_without_a_key_no_web_page_and_no_other_name_is_answered(client):
    for headers in (
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Host": "evil.example:8400"},
        {"Origin": "http://[::1"},
    ):
        refused = client.post("/search", json={"terms": [TEXT]}, headers=headers)
        assert refused.status_code == 403 and "programs of its own computer" in refused.json()["error"]
    assert client.get("/gallery", headers={"Host": "localhost", "Origin": "http://127.0.0.1:8501"}).status_code == 200


def test_sizes_and_rates_are_limited(api, running):
    with httpx.Client(base_url=running(api(writable=True, limits=Limits(bytes=50_000, rate=30)))) as client:
        wait_until_ready(client)
        large = client.post("/search", content=b"x" * 60_000, headers={"content-type": "application/json"})
        assert large.status_code == 413 and "0.05 MB" in large.json()["error"]
        pieces = client.post("/search", content=iter([b"x" * 30_000] * 3), headers={"content-type": "application/json"})
        assert pieces.status_code == 413  # without a length that says so
        many = client.post("/photos", files=[("photo", (str(n), b"x")) for n in range(34)])
        assert many.status_code == 413
        answers = [client.get("/gallery") for _ in range(40)]
        refused = [one for one in answers if one.status_code == 429]
        assert 8 <= len(refused) <= 16 and {one.status_code for one in answers} == {200, 429}
        assert 1 <= int(refused[0].headers["retry-after"]) <= 2 and "30 requests a minute" in refused[0].json()["error"]
        assert client.get("/health").status_code == 200


@pytest.mark.parametrize("path", ["/search", "/encode", "/explain"])
def test_a_request_of_very_many_values_is_refused_before_it_is_read(client, path):
    """Four million points in 25 MB of JSON took a gigabyte, and nobody else was answered for eight seconds."""
    drawing = {"modality": "sketch", "strokes": [[[0, 0]] * 5_000] * 40}
    for content in (json.dumps({"terms": [drawing]}), "[" * 600_000, '{"":' * 600_000):
        refused = client.post(path, content=content, headers={"Content-Type": "application/json"})
        assert refused.status_code == 413 and "500,000 numbers" in refused.json()["error"]
        assert "\n" not in refused.json()["error"] and refused.json()["request"]


def test_pictures_of_a_request_are_small_while_they_wait_for_one_another(client, monkeypatch):
    """64 of one colour and 16 megapixels, 3.6 MB together, took 4 GB."""
    large, told = file(Image.new("RGB", (4000, 3000), (200, 30, 30))), []
    asked = [{"modality": kind, "picture": base64.b64encode(large).decode()} for kind in ("photo", "photo")]

    def encode(self, term):
        told.append(term.content.size)
        return found(self, term)

    found = Searcher.encode
    monkeypatch.setattr(Searcher, "encode", encode)
    assert client.post("/encode", json={"terms": asked}).status_code == 200
    encoded = System.encode
    monkeypatch.setattr(
        System, "encode", lambda self, kind, items: told.extend(one.size for one in items) or encoded(self, kind, items)
    )
    assert client.post("/photos", files={"photo": ("x", large)}).status_code == 201
    assert len(told) >= 3 and set(told) == {(1024, 768)}


@pytest.mark.parametrize("path", ["/search", "/encode"])
def test_a_request_that_never_comes_whole_makes_room_for_others(api, running, path):
    address = urlsplit(running(api(limits=Limits(seconds=0.5, waiting=1))))
    with socket.create_connection((address.hostname, address.port)) as slow:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
        slow.sendall(head.encode() + b'{"a"')
        slow.settimeout(10)
        told = ""
        while not told.endswith("}"):
            told += slow.recv(10_000).decode()
    assert told.startswith("HTTP/1.1 408") and "must have come within 0.5 s" in told
    assert httpx.get(f"{address.geturl()}/gallery").status_code == 200


def test_requests_have_ids_figures_and_lines_of_json(client, caplog):
    with caplog.at_level("INFO", logger="xmr.serve"):
        own = client.get("/gallery", headers={"X-Request-ID": "abc-1"})
        assert own.headers["x-request-id"] == "abc-1"
        assert client.get("/gallery", headers={"X-Request-ID": "a b\tc"}).headers["x-request-id"] != "a b\tc"
        ask(client, {"modality": "text", "text": "a secret wish red"})
        time.sleep(0.1)
    lines = [json.loads(record.message) for record in caplog.records if record.name == "xmr.serve"]
    told = next(line for line in lines if line["request"] == "abc-1")
    assert (told["method"], told["path"], told["status"]) == ("GET", "/gallery", 200) and told["ms"] >= 0
    assert "secret" not in caplog.text  # what was asked is nobody's business
    figures = client.get("/metrics").text
    assert 'xmr_requests_total{method="POST",path="/search",status="200"} 1.0' in figures
    assert "xmr_photos 6.0" in figures and 'xmr_request_seconds_count{path="/search"} 1.0' in figures


def test_a_gallery_that_a_system_has_not_indexed_is_never_ready_and_says_why(running, gallery_folder):
    from xmr import serve

    with httpx.Client(base_url=running(serve.create_app(gallery_folder, ["tri"]))) as client:
        for _ in range(100):
            told = client.get("/ready")
            if "tri" in told.json()["error"]:
                break
            time.sleep(0.05)
        assert told.status_code == 503 and "python -m xmr index" in told.json()["error"]


def test_the_description_says_what_kind_of_file_an_answer_is(client):
    paths = client.get("/openapi.json").json()["paths"]
    for path, asked in (("/photos/{id}/thumbnail", "/photos/red-left/thumbnail"), ("/metrics", "/metrics")):
        assert list(paths[path]["get"]["responses"]["200"]["content"]) == [client.get(asked).headers["content-type"]]


def test_the_guide_names_every_address_and_its_examples_run_as_they_are_printed(
    client, own_gallery, checkpoint_folder, tmp_path, monkeypatch, capsys
):
    guide = (
        (ROOT / "docs/large-galleries.md").read_text(encoding="utf-8").partition("## The API")[2].partition("\n## ")[0]
    )
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        assert [f"{method.upper()} {path}" for method in methods if f"`{method.upper()} {path}`" not in guide] == []
    (tmp_path / "photo.jpg").write_bytes(picture("red-left"))
    (tmp_path / "drawing.png").write_bytes(picture("blue-right"))
    monkeypatch.chdir(tmp_path)
    words = (("http://127.0.0.1:8400", str(client.base_url)), ("a red car", "a red photo"), ("on the beach", "a photo"))
    for said, here in (*words, ("snow", "blaues"), ('"folder": "Italy"', '"place": "left"')):
        assert said in guide
        guide = guide.replace(said, here)
    guide = guide.replace('"~/photos"', repr(str(own_gallery))).replace('"tri"', repr(str(checkpoint_folder)))
    for program in re.findall("```python\n(.*?)```", guide, re.S):
        exec(program, {})
    *hits, best, path = capsys.readouterr().out.splitlines()
    assert len(hits) == 5 and best.startswith("red-") and Path(path).stem == best
    (commands,) = re.findall("```sh\n(curl.*?)```", guide, re.S)
    if shutil.which("curl"):
        told = subprocess.run(["bash", "-ec", commands], capture_output=True, text=True).stdout
        assert told.count('"hits":[{"id":"red-') == 2


def test_schemathesis_finds_no_server_error(api, running):
    url = running(api(writable=True, limits=Limits(rate=0)))
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    checks = (not_a_server_error, status_code_conformance, response_schema_conformance)
    tried = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        tried.add(operation.label)
        _try(operation, checks)
    assert {"POST /search", "POST /encode", "POST /explain", "POST /photos", "DELETE /photos/{id}"} <= tried


def _try(operation, checks) -> None:
    @settings(
        max_examples=8,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def run(case) -> None:
        case.call_and_validate(checks=checks, timeout=20)

    run()


def test_a_remote_searcher_answers_as_one_that_has_the_model(api, running, own_gallery, system):
    server = Server(running(api(key=KEY)), KEY)
    with Gallery.open(own_gallery) as gallery:
        here, there = Searcher(system, gallery), RemoteSearcher(system, gallery, server)
        assert server.answers_for(system, gallery)
        for _ in range(100):
            try:
                there.prepare()
                break
            except BadInput:
                time.sleep(0.02)
        image = Image.open(io.BytesIO(picture("green-left")))
        for parts in (
            {"text": "a red photo, no blue"},
            {"sketch": drawn(), "text": "blue"},
            {"photo": image, "minus_text": "red"},
            {"photo": picture("red-left")},
        ):
            a, b = (one.search(k=6, **parts) for one in (here, there))
            assert [hit.id for hit in a] == [hit.id for hit in b]
            assert [hit.score for hit in a] == pytest.approx([hit.score for hit in b], abs=1e-5)
            assert [hit.match for hit in a] == pytest.approx([hit.match for hit in b], abs=1e-5)
            assert b[0].thumbnail == a[0].thumbnail and b[0].item == a[0].item
        query = Query(tuple(there.encode(term) for term in Query.of(text="ein rotes bild").terms))
        assert there.explain(query, "red-left") == here.explain(query, "red-left") == "a red photo"
        assert [hit.item.content for hit in there.captions(query, 2)] == [
            h.item.content for h in here.captions(query, 2)
        ]
        assert (there.like("red-left").content == here.like("red-left").content).all()
        assert there.search(text="red", where={"place": "left"}, k=1)[0].id == "red-left"
        for month, id in enumerate(("red-left", "red-right", "green-left"), 1):
            gallery.describe(id, None, None, {"taken": f"2024-0{month}-05T10:00:00"}, [])
        for taken in (("2024-02", "2024-03"), "2024-02", ["2024-01", "2024-03"], {"from": "2024-03"}, None):
            a, b = (one.search(text="red", where={"taken": taken}) for one in (here, there))
            assert [hit.id for hit in a] == [hit.id for hit in b] != []
        with pytest.raises(BadInput, match="two texts or two numbers"):
            there.search(text="red", where={"taken": {"from": float("nan")}})
        with pytest.raises(BadInput, match="There is no photo 'none'"):
            there.like("none")
        with pytest.raises(BadInput, match="The key is missing or wrong"):
            RemoteSearcher(system, gallery, Server(server._address, "wrong")).search(text="red")
    with pytest.raises(BadInput, match="does not answer .ConnectError.. Start it: python -m xmr serve"):
        Server("http://127.0.0.1:9").ask("GET", "/gallery")


@pytest.mark.parametrize("address", ["localhost:8400", "127.0.0.1", "ftp://localhost"])
def test_an_address_of_another_kind_is_told_so(address, monkeypatch):
    monkeypatch.setenv("XMR_SERVER", address)
    with pytest.raises(BadInput, match=f"begins with http:// or https://; '{address}' came"):
        Server.of_environment()


@pytest.fixture
def both(api, running, own_gallery, system):
    """A Searcher and a RemoteSearcher of the same six photos."""
    address = running(api())
    with httpx.Client(base_url=address) as client, Gallery.open(own_gallery) as gallery:
        wait_until_ready(client)
        yield Searcher(system, gallery), RemoteSearcher(system, gallery, Server(address))


def test_a_remote_searcher_takes_what_one_that_has_the_model_takes(both, tmp_path):
    image = Image.open(io.BytesIO(picture("green-left")))
    path = tmp_path / "photo.png"
    path.write_bytes(picture("red-left"))
    strokes = [np.array([*stroke, [np.nan, 0]]) for stroke in SQUARE]
    for asked in (
        *({"photo": image.convert(mode)} for mode in ("CMYK", "F", "HSV", "LAB", "YCbCr", "I", "P", "LA")),
        {"photo": path},
        {"sketch": Drawing(tuple(SQUARE)), "k": np.int64(2)},
        {"sketch": Drawing(tuple(strokes)), "exclude": {"red-left": 1}.keys()},
    ):
        a, b = (one.search(**asked) for one in both)
        assert [hit.id for hit in a] == [hit.id for hit in b] != [], asked


@pytest.mark.parametrize(
    "asked",
    [
        {"query": "a red photo"},
        {"query": Query(("red",))},
        {"query": Query((Term(Modality.TEXT, "red", float("nan")),))},
        {"query": Query((Term(Modality.TEXT, "red", "1"),))},
        {"text": None},
        {"text": np.full(19, np.nan)},
        {"text": np.ones(3)},
        {"sketch": Drawing(())},
        {"sketch": Drawing(([[0, 0, 1]],))},
        {"photo": "none.jpg"},
        {"minus_text": "red"},
        {"text": "red", "k": 0},
        {"text": "red", "k": 2.0},
        {"text": "red", "exclude": None},
        {"text": "red", "exclude": "red-left"},
    ],
    ids=str,
)
def test_a_remote_searcher_refuses_what_one_that_has_the_model_refuses_in_the_same_words(both, asked):
    said = []
    for one in both:
        with pytest.raises(BadInput) as refused:
            one.search(**asked)
        said.append(str(refused.value))
    assert said[0] == said[1]


def test_the_command_answers_until_it_is_ended_and_ends_what_it_began(own_gallery, checkpoint_folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "xmr", "serve", str(own_gallery), "--system", str(checkpoint_folder)]
    process = subprocess.Popen([*command, "--port", str(port)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        for _ in range(400):
            try:
                if client.get("/ready").status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.05)
        again = subprocess.run([*command, "--port", str(port)], cwd=ROOT, capture_output=True, text=True)
        assert again.returncode == 2 and "Choose another --port" in again.stderr and "Traceback" not in again.stderr

        def slowly():
            yield b'{"terms": [{"modality": "text", '
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            yield b'"text": "red"}]}'

        answer = client.post("/search", content=slowly(), headers={"content-type": "application/json"})
        assert answer.status_code == 200 and answer.json()["hits"]
    _, told = process.communicate(timeout=20)
    assert process.returncode in (0, -signal.SIGTERM) and "Traceback" not in told
    assert any(json.loads(line)["path"] == "/search" for line in told.splitlines() if line.startswith("{"))


def test_milvus_searches_where_it_is_named_and_is_not_written_to(api, monkeypatch):
    from xmr import serve

    made = []
    monkeypatch.setattr(serve, "Searcher", lambda *given: made.append(given[2:]) or Searcher(*given))
    api(engine="http://milvus:19530", kind="hnsw")
    assert made == [("hnsw", "http://milvus:19530")]
    with pytest.raises(BadInput, match="xmr index FOLDER --engine milvus"):
        api(engine="http://milvus:19530", writable=True)


def test_others_are_answered_only_with_a_key(own_gallery, checkpoint_folder):
    command = [sys.executable, "-m", "xmr", "serve", str(own_gallery), "--system", str(checkpoint_folder)]
    env = {name: value for name, value in os.environ.items() if name != "XMR_API_KEY"}
    done = subprocess.run([*command, "--host", "0.0.0.0"], cwd=ROOT, capture_output=True, text=True, env=env)
    assert done.returncode == 2 and "set XMR_API_KEY to a long random word" in done.stderr

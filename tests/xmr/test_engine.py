"""A gallery in Milvus: in step after every change and every kill, searched with the same answers, embedded by Dask."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.galleries import change_photos, make_photos, state_of
from xmr.cli import main
from xmr.cluster import dask_cluster
from xmr.engine import open_engine, synchronize
from xmr.gallery import Gallery, index_folder
from xmr.index.milvus import MilvusIndex
from xmr.modality import BadInput, Modality, Query, Term
from xmr.search import Searcher

ROOT = Path(__file__).resolve().parents[2]


def in_step(gallery: Gallery, system, index: MilvusIndex) -> bool:
    """Whether Milvus has each photo of a gallery once, with its vector."""
    ids, vectors = gallery.vectors(system, Modality.PHOTO)
    rows = gallery.rows_of(ids)
    held = index.vectors(np.array([rows[id] for id in ids], np.int64))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return (
        len(index) == len(ids) and set(index.marks()) == set(rows.values()) and bool(np.allclose(held, unit, atol=1e-5))
    )


def test_milvus_follows_a_gallery_and_gives_the_same_answers(photo_folder, system, tmp_path):
    uri = str(tmp_path / "milvus.db")
    index_folder(photo_folder, [system])
    with Gallery.open(photo_folder) as gallery:
        index = open_engine(gallery, system, uri)
        assert (synchronize(gallery, system, index).stored, len(index)) == (6, 6) and in_step(gallery, system, index)
        near, far = Searcher(system, gallery), Searcher(system, gallery, engine=uri)
        for asked in (
            Query((Term(Modality.TEXT, "red"),)),
            Query((Term(Modality.TEXT, "red"), Term(Modality.TEXT, "blue", -0.5))),
            Query((near.like(next(iter(gallery)).id),)),
        ):
            for where in (None, {"folder": "more"}, {"file": ["red-left.png", "green-left.png"]}, {"folder": "*e-*"}):
                wanted, found = near.search(asked, 4, where=where), far.search(asked, 4, where=where)
                assert [hit.id for hit in found] == [hit.id for hit in wanted]
                assert [hit.score for hit in found] == pytest.approx([hit.score for hit in wanted], abs=1e-5)
                assert [hit.match for hit in found] == pytest.approx([hit.match for hit in wanted], abs=1e-4)
        (photo_folder / "red-left.png").unlink()
        (photo_folder / "blue-left.txt").write_text("ein blaues Bild")
        Image.new("RGB", (50, 50), "yellow").save(photo_folder / "new.png")
        index_folder(photo_folder, [system])
        report = synchronize(gallery, system, index)
        assert (report.stored, report.kept, report.removed) == (2, 4, 1) and in_step(gallery, system, index)
        assert [hit.path.name for hit in far.search(text="red", where={"language": "de"})] == ["blue-left.png"]
        assert synchronize(gallery, system, index).stored == 0


def test_photos_that_change_their_places_in_a_gallery_made_anew_are_stored_again(photo_folder, system, tmp_path):
    uri, one, other = str(tmp_path / "milvus.db"), photo_folder / "red-left.png", photo_folder / "green-left.png"
    for turn in range(2):
        index_folder(photo_folder, [system])
        with Gallery.open(photo_folder) as gallery:
            index = open_engine(gallery, system, uri)
            assert synchronize(gallery, system, index).stored == (2 if turn else 6) and in_step(gallery, system, index)
        red, green = one.read_bytes(), other.read_bytes()
        one.write_bytes(green)
        other.write_bytes(red)
        shutil.rmtree(photo_folder / ".xmr")


def test_milvus_that_is_out_of_step_finds_what_is_left_and_says_so(photo_folder, system, tmp_path, caplog):
    uri = str(tmp_path / "milvus.db")
    index_folder(photo_folder, [system])
    with Gallery.open(photo_folder) as gallery:
        synchronize(gallery, system, open_engine(gallery, system, uri))
        searcher = Searcher(system, gallery, engine=uri)
        first, second = searcher.search(text="red", k=2)
        assert not [record for record in caplog.records if record.name == "xmr.search"]
        first.path.unlink()
        index_folder(photo_folder, [system])
        (found,) = searcher.search(text="red", k=1)
        assert found.id == second.id and len(searcher.search(text="red")) == 5
        assert [hit.id for hit in searcher.search(text="red", k=1, exclude=[second.id])] != [second.id]
    (said,) = (record.getMessage() for record in caplog.records if record.name == "xmr.search")
    assert said.startswith("Milvus holds 6 photos of") and said.endswith(f"--system tiny --engine milvus --uri {uri}")


def test_the_command_indexes_and_searches_with_milvus(photo_folder, checkpoint_folder, tmp_path, capsys):
    engine = ["--engine", "milvus", "--uri", str(tmp_path / "milvus.db"), "--system", str(checkpoint_folder)]
    assert main(["index", str(photo_folder), *engine]) == 0
    assert "tiny in Milvus: 6 photos stored, 0 up to date already, 0 removed" in capsys.readouterr().out
    assert main(["search", str(photo_folder), "red", "-k", "2", "--paths-only", *engine]) == 0
    assert {Path(line).name for line in capsys.readouterr().out.splitlines()} == {"red-left.png", "red-right.png"}
    engine[3] = "http://127.0.0.1:9"
    assert main(["search", str(photo_folder), "red", *engine]) == 2
    assert "Milvus at http://127.0.0.1:9 cannot do this" in capsys.readouterr().err


@pytest.mark.slow
def test_an_ingestion_that_is_killed_with_its_engine_loses_and_doubles_nothing(
    tmp_path, system, checkpoint_folder, monkeypatch
):
    photos, uri, rng = tmp_path / "photos", str(tmp_path / "milvus.db"), random.Random(0)
    make_photos(photos, 70)
    command = [sys.executable, "-m", "xmr", "index", str(photos), "--system", str(checkpoint_folder)]
    command += ["--engine", "milvus", "--uri", uri]
    began = time.monotonic()
    assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0
    took = time.monotonic() - began
    change_photos(photos)
    killed = 0
    for turn in range(8):
        if turn == 2:
            change_photos(photos)
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            process.wait(took * rng.uniform(0.3, 0.9))
            took = time.monotonic() - began  # faster than the one before, which a busy machine may have held up
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with the engine that runs inside it
            killed += process.wait() == -9
        if killed == 3:
            break
    assert killed
    assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0
    with Gallery.open(photos) as gallery:
        assert in_step(gallery, system, open_engine(gallery, system, uri))


def test_dask_gives_the_gallery_that_one_process_gives_and_goes_on_where_it_stopped(
    tmp_path, system, checkpoint_folder, monkeypatch
):
    from distributed import LocalCluster

    photos, alone = tmp_path / "photos", tmp_path / "alone"
    for folder in (photos, alone):
        make_photos(folder, 150)
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    other = replace(system, name="other")
    sources = {"tiny": str(checkpoint_folder), "other": str(checkpoint_folder)}
    with (
        LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster,
        dask_cluster(cluster.scheduler_address, sources) as embed,
    ):
        with pytest.raises(RuntimeError, match="the power fails"):
            index_folder(photos, [system, other], _fail, embed=embed)
        with Gallery.open(photos) as gallery:
            assert len(gallery) == 128
        report = index_folder(photos, [system, other], embed=embed)
        assert (report.indexed, report.kept, [path.name for path, _ in report.skipped]) == (22, 128, ["broken.png"])
        index_folder(alone, [system, other])
        assert state_of(photos, [system, other]) == state_of(alone, [system, other])
        newer = replace(system, config=system.config | {"encoders": system.config["encoders"] | {"photo": {"size": 1}}})
        with pytest.raises(BadInput, match="tiny has other weights on a worker than here"):
            index_folder(photos, [newer], embed=embed)


def _fail(progress) -> None:
    raise RuntimeError("the power fails")


def test_a_scheduler_that_does_not_answer_is_one_sentence(monkeypatch):
    import distributed

    monkeypatch.setattr(distributed, "Client", _no_client)
    said = "No Dask scheduler answers at tcp://host:1 .* dask worker tcp://host:1"
    with pytest.raises(BadInput, match=said), dask_cluster("tcp://host:1", {}):
        pass


def _no_client(*_, **__):
    raise OSError("timed out")

"""`python -m training data`: what is listed, checked and drawn."""

import argparse

from PIL import Image

from tests.training.datasets.test_sketch_sets import draw_at
from training.datasets import catalogue, command
from xmr.modality import Item, Modality

PHOTO = Modality.PHOTO


def run(*arguments: str) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args(arguments))


def test_the_command_lists_every_set_with_what_is_needed_and_where_it_lies(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XMR_DATA", str(tmp_path))
    (tmp_path / "pacs").mkdir()
    run()
    out = capsys.readouterr().out
    for name, data in catalogue.DATASETS.items():
        assert f"{name}: {data.about}" in out and data.layout in out and data.licence in out and data.source in out
    assert f"  there: {tmp_path / 'pacs'}" in out and f"not there: {tmp_path / 'tuberlin'}" in out


def test_the_command_checks_one_set_and_draws_a_batch(capsys, tmp_path):
    for n in range(30):
        draw_at(tmp_path / f"folder/Bäume/{n}.jpg", ("red", "green", "blue")[n % 3])
        (tmp_path / f"folder/Bäume/{n}.de.txt").write_text(f"ein grüner Baum, Nummer {n}")
    (tmp_path / "folder/Bäume/3.jpg").write_bytes(b"no picture")
    run("pictures", "--root", str(tmp_path / "folder"), "--picture", str(tmp_path / "out/batch.png"))
    out = capsys.readouterr().out
    assert "pictures: 30 photos, 30 captions (de), 1 classes; nothing skipped" in out
    assert out.count("Bäume/") >= 3 and "  test: " in out
    with Image.open(tmp_path / "out/batch.png") as sheet:
        colours = {colour for _, colour in sheet.getcolors(1 << 20)}
    assert any(r > 200 and g < 60 for r, g, _ in colours) and any(b > 200 and r < 60 for r, _, b in colours)


def test_a_batch_of_text_alone_is_drawn_and_captions_of_another_view_are_not(tmp_path):
    text = [
        Item(f"{n}#{language}", Modality.TEXT, f"{n} {language}", frozenset({f"image:{n}"}), language)
        for n in range(30)
        for language in ("en", "de")
    ]
    assert command.draw(text).size[1] == 10 * (3 * command.LINE + command.GAP) + command.GAP
    path = draw_at(tmp_path / "a.jpg")
    views = [Item(f"{n}", PHOTO, path, frozenset({"instance:cup", f"image:{n}"})) for n in range(2)]
    of_both = [
        Item(f"{n}#en{k}", Modality.TEXT, "x", frozenset({"instance:cup", f"image:{n}"}), "en")
        for n in range(2)
        for k in range(8)
    ]
    assert command.draw(views + of_both).size[1] == 2 * (command.TILE + command.GAP) + command.GAP

"""Files that are written whole or not at all."""

import json

import pytest

from xmr.files import replacing, write_json


def test_what_fails_half_way_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path):
    write_json(tmp_path / "new" / "told.json", {"a": 1})
    with pytest.raises(RuntimeError), replacing(tmp_path / "new" / "told.json") as part:
        part.write_text('{"a":')
        raise RuntimeError
    with pytest.raises(TypeError):
        write_json(tmp_path / "new" / "told.json", {"a": object()})
    assert json.loads((tmp_path / "new" / "told.json").read_text()) == {"a": 1}
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_two_that_write_the_same_file_at_once_do_not_meet_and_the_last_one_stays(tmp_path):
    path = tmp_path / "told.json"
    with replacing(path) as one:
        one.write_text("1")
        with replacing(path) as other:
            other.write_text("2")
        assert path.read_text() == "2" and one.suffix == ".json"
    assert path.read_text() == "1" and list(tmp_path.iterdir()) == [path]

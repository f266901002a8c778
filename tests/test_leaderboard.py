"""The leaderboard joins what the checkpoints' evaluations wrote, and changes nothing."""

import json

from training.leaderboard import join, write


def entry(value: float) -> dict:
    return {"about": "x", "queries": 4, "gallery": 5, "dropped": 1, "seeds": 1, "metrics": {"a_to_b/map": value},
            "spread": {}, "chance": {"a_to_b/map": 0.1}}  # fmt: skip


def test_systems_meet_on_the_protocols_that_they_share(tmp_path):
    for name, protocols in {"one": {"p": entry(0.5)}, "two": {"p": entry(0.7), "q": entry(0.2)}, "none": None}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        if protocols:
            (tmp_path / name / "metrics.json").write_text(json.dumps({"protocols": protocols}))
    found = join(tmp_path)
    assert list(found) == ["p", "q"]
    assert found["p"]["systems"] == {"one": {"a_to_b/map": 0.5}, "two": {"a_to_b/map": 0.7}}
    assert found["q"] == {"about": "x", "queries": 4, "gallery": 5, "dropped": 1, "chance": {"a_to_b/map": 0.1},
                          "systems": {"two": {"a_to_b/map": 0.2}}}  # fmt: skip
    assert json.loads(write(tmp_path).read_text()) == found


def test_the_shipped_leaderboard_is_that_of_the_shipped_checkpoints():
    from xmr.checkpoint import ROOT

    assert json.loads((ROOT / "leaderboard.json").read_text()) == join(ROOT)

"""A run's folder is bound to its settings, data and code: with others it is refused, and both ways on are named."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.training.learn.test_fit import Task
from training.learn import recipe as recipes
from training.learn import run_record
from training.learn.run_record import RunMismatch, accept_code, code_version, identity_of, read_recipe, remove_run
from xmr.modality import BadInput, Drawing, Item, Modality

STEPS = {"steps": 8, "every": 4, "rates": {"a": 0.05}, "settings": {}, "warm_up": 2}
ITEMS = [Item(f"t{n}", Modality.TEXT, f"caption {n}", frozenset({f"image:{n}"}), "en") for n in range(5)]


@pytest.fixture
def code(monkeypatch):
    """Sets the code version that a run sees."""
    return lambda version: monkeypatch.setattr(run_record, "code_version", lambda: version)


class TinyRun:
    """Trains the line of test_fit by a recipe with these settings, into one folder."""

    def __init__(self, folder: Path) -> None:
        self.yaml, self.folder, self.tasks = folder / "tiny.yaml", folder / "runs" / "tiny", []

    def __call__(self, items: list[Item] = ITEMS, die_at: int = -1, **settings) -> list[dict]:
        told = {
            "name": "tiny",
            "about": "a line",
            "protocols": ["world-test"],
            "seed": 5,
            "precision": "32-true",
            "stages": [{"name": "one", **STEPS}, {"name": "two", **STEPS}],
        }
        self.yaml.write_text(json.dumps(told | settings))

        def task_of(recipe: recipes.Recipe) -> Task:
            self.tasks.append(Task(die_at=die_at))
            self.tasks[-1].data = {"train": items}
            return self.tasks[-1]

        recipes.train(recipes.Recipe, self.yaml, self.folder, (), task_of)
        return json.loads((self.folder / "history.json").read_text())

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir() if path.is_file()}


@pytest.fixture
def run(tmp_path) -> TinyRun:
    return TinyRun(tmp_path)


@pytest.mark.parametrize("die_at", [-1, 6])
def test_other_settings_are_refused_with_the_difference_and_change_nothing(run, die_at):
    if die_at > 0:
        with pytest.raises(KeyboardInterrupt):
            run(die_at=die_at)
    else:
        run()
    before, tasks = run.files(), len(run.tasks)
    other = [{"name": "one", **STEPS, "steps": 12}, {"name": "two", **STEPS}]
    with pytest.raises(RunMismatch, match=r"other settings \(seed: 5 -> 6; stages.0.steps: 8 -> 12\)") as error:
        run(seed=6, stages=other)
    assert "--runs" in str(error.value) and "--restart" in str(error.value) and "--accept-code" not in str(error.value)
    assert run.files() == before and len(run.tasks) == tasks  # refused before the data is read


@pytest.mark.parametrize("die_at", [2, 6, 11])
def test_a_run_that_was_killed_goes_on_with_the_same_settings(run, tmp_path, die_at):
    whole = TinyRun(tmp_path / "whole")
    (tmp_path / "whole").mkdir()
    with pytest.raises(KeyboardInterrupt):
        run(die_at=die_at)
    resumed = [entry["score"] for entry in run()]
    assert resumed == [entry["score"] for entry in whole()]
    assert run.tasks[-1].calls <= 16 - die_at // 4 * 4


@pytest.mark.parametrize("other", [{"seed": 6}, {}])
def test_a_run_that_stopped_before_it_had_weights_starts_over_with_other_settings_or_code(run, code, other):
    code("aaa")
    with pytest.raises(KeyboardInterrupt):
        run(die_at=2)
    (run.folder / "tokenizer.json").write_text("of the first settings")
    code("aaa" if other else "bbb")
    assert len(run(**other)) == 4 and not (run.folder / "tokenizer.json").exists()
    assert json.loads((run.folder / "run.json").read_text())["code"] == ["aaa" if other else "bbb"]


def test_a_finished_run_is_not_trained_again_and_takes_over_what_its_weights_do_not_follow_from(run):
    first = run()
    both = ["world-test", "flickr30k-test-1k"]
    assert run(about="still a line", protocols=both) == first and run.tasks[-1].calls == 0
    assert read_recipe(run.folder)["protocols"] == both


def test_a_protocol_that_is_none_is_told_before_anything_is_read_or_recorded(run):
    with pytest.raises(BadInput, match="names 'world-tset', which is no protocol; did you mean 'world-test'"):
        run(protocols=["flickr30k-test", "world-tset"])
    assert not run.tasks and not run.folder.exists()


def test_other_data_is_refused_with_the_counts(run):
    run()
    before = run.files()
    with pytest.raises(RunMismatch, match=r"other data \(train: 5 -> 4 items\).*--restart"):
        run(items=ITEMS[1:])
    changed = [*ITEMS[1:], Item("t0", Modality.TEXT, "another caption", ITEMS[0].labels, "en")]
    with pytest.raises(RunMismatch, match=r"train: 5 items, but not the same"):
        run(items=changed)
    with pytest.raises(RunMismatch, match="other data"):
        run(items=ITEMS[1:], protocols=["flickr30k-test"])
    assert run.files() == before  # not even what the weights don't follow from
    run(items=ITEMS[::-1])  # in another order, it is the same data


def test_other_code_is_refused_until_it_is_accepted(run, code):
    code("aaa")
    first = run()
    code("bbb")
    with pytest.raises(RunMismatch, match=r"by other code \(aaa -> bbb\).*--accept-code.*--restart"):
        run()
    with pytest.raises(RunMismatch, match=r"seed: 5 -> 6\) and by other code \(aaa -> bbb\)"):
        run(seed=6)
    accept_code(run.folder)
    assert run() == first
    assert json.loads((run.folder / "run.json").read_text())["code"] == ["aaa", "bbb"]
    code("ccc")
    with pytest.raises(RunMismatch, match="bbb -> ccc"):
        run()


def test_a_run_that_is_removed_begins_anew_and_what_lies_beside_it_stays(run, tmp_path):
    run()
    (run.folder / "2").mkdir()
    (run.folder / "2" / "best.safetensors").write_bytes(b"another run's")
    remove_run(run.folder)
    assert [path.name for path in run.folder.iterdir()] == ["2"]
    assert (run.folder / "2" / "best.safetensors").read_bytes() == b"another run's"
    run(seed=6)
    assert run.tasks[-1].calls == 16 and read_recipe(run.folder)["seed"] == 6
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("no run")
    remove_run(tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").is_file()


def test_weights_whose_settings_nobody_wrote_down_are_refused(run):
    run()
    (run.folder / "run.json").unlink()
    with pytest.raises(RunMismatch, match="without run.json.*--restart"):
        run()
    with pytest.raises(BadInput, match="Train it first"):
        read_recipe(run.folder)


def test_the_identity_of_data_is_what_it_holds_not_where_it_lies(tmp_path):
    def items(folder: str, size: int = 3, end: float = 9.0) -> list[Item]:
        path = tmp_path / folder / "a.jpg"
        path.parent.mkdir()
        path.write_bytes(b"x" * size)
        drawing = Drawing((np.array([[0.0, 0], [4, end]]),))
        return [
            Item("a", Modality.PHOTO, path, frozenset({"class:a"})),
            Item("b", Modality.SKETCH, f"{folder}#b", frozenset({"class:a"}), facts={"drawing": drawing}),
        ]

    first = identity_of({"train": items("one")})
    assert first["train"]["items"] == 2
    assert identity_of({"train": items("two")}) == first
    assert identity_of({"train": items("larger", size=4)}) != first
    assert identity_of({"train": items("other stroke", end=8.0)}) != first


def test_the_code_version_follows_what_the_code_does_not_what_is_said_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(run_record, "CODE", ("part", "one.py"))
    (tmp_path / "part").mkdir()

    def version(source: str) -> str:
        (tmp_path / "part" / "two.py").write_text(source)
        (tmp_path / "one.py").write_text("x = 1\n")
        return code_version.__wrapped__(tmp_path)

    first = version('"""Adds."""\n\n\ndef f(a):\n    """One more."""\n    return a + 1  # one\n')
    assert version("def f(a):\n    return a + 1\n") == first
    assert version("def f(a):\n    return a + 2\n") != first


def test_the_code_that_counts_is_there():
    assert all((run_record.ROOT / place).exists() for place in run_record.CODE)

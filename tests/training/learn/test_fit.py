"""The loop: resumes to the step, keeps the best, stops at a loss that is no number."""

import json
import math
import os

import numpy as np
import pytest
import torch
from torch import nn

from training.learn.fit import Stage, TrainingStopped, WeightAverage, fit, parameter_groups, schedule
from xmr.modality import BadInput


class Line(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(3, 8), nn.Linear(8, 1)
        self.noise = nn.Dropout(0.2)

    def forward(self, x, y):
        loss = (self.b(self.noise(torch.tanh(self.a(x)))) - y).square().mean()
        return {"square": loss, "loss": loss}


class Task:
    """Fits a line; `die_at` makes the run stop there, as a kill would."""

    def __init__(self, die_at: int = -1, nan_at: int = -1) -> None:
        torch.manual_seed(3)
        self.model, self.die_at, self.nan_at, self.calls = Line(), die_at, nan_at, 0

    def begin(self, stage, step):
        pass

    def batch(self, stage, step, rng: np.random.Generator):
        self.calls += 1
        if self.calls - 1 == self.die_at:
            raise KeyboardInterrupt
        x = torch.from_numpy(rng.normal(size=(16, 3)).astype(np.float32))
        return {"x": x, "y": x.sum(1, keepdim=True) * (math.nan if self.calls - 1 == self.nan_at else 1.0)}

    def validate(self, stage):
        x = torch.ones(4, 3) * torch.arange(4)[:, None] / 4
        return {"score": -self.model(x, x.sum(1, keepdim=True))["loss"].item()}


STAGES = (
    Stage("one", steps=12, every=4, rates={"a": 0.05, "b": 0.05}, settings={}, warm_up=2, ema=0.9),
    Stage("two", steps=8, every=4, rates={"b": 0.02}, settings={}, warm_up=2, interpolation={"b": 0.5}),
)


def _timeless(history):
    return [{key: value for key, value in entry.items() if key != "seconds"} for entry in history]


@pytest.mark.parametrize("die_at", [2, 6, 13, 18])
def test_a_run_that_is_killed_and_resumed_equals_one_that_is_not(tmp_path, die_at):
    whole, broken = Task(), Task(die_at=die_at)
    wanted = fit(whole, STAGES, tmp_path / "whole", seed=5)
    with pytest.raises(KeyboardInterrupt):
        fit(broken, STAGES, tmp_path / "broken", seed=5)
    resumed = Task()
    history = fit(resumed, STAGES, tmp_path / "broken", seed=5)
    assert _timeless(history) == _timeless(wanted)
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    assert resumed.calls < whole.calls or die_at < 4


def test_the_best_weights_by_validation_are_what_is_left(tmp_path):
    task = Task()
    history = fit(task, STAGES, tmp_path, seed=5)
    task.model.eval()
    best = max(entry["score"] for entry in history)
    assert task.validate(None)["score"] == pytest.approx(best, abs=1e-5)
    assert json.loads((tmp_path / "history.json").read_text()) == history


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_weights(tmp_path):
    with pytest.raises(TrainingStopped, match="step 6 of stage 'one'.*step 4 are kept"):
        fit(Task(nan_at=6), STAGES, tmp_path, seed=5)
    held = json.loads((tmp_path / "last.json").read_text())
    assert (held["stage"], held["step"]) == (0, 4)
    fit(Task(), STAGES, tmp_path, seed=5)  # and training goes on from there


class Apart(Task):
    """Draws what two devices would, as one batch, or is spoilt on the second one."""

    def __init__(self, both: bool, spoilt: bool = False) -> None:
        super().__init__()
        self.both, self.spoilt, self.model.noise = both, spoilt, nn.Identity()

    def batch(self, stage, step, rng):
        drawn = [super().batch(stage, step, rng)]
        if self.both:
            number = [one.name for one in STAGES].index(stage.name)
            other = np.random.default_rng((5, number, step, 1))
            other.integers(2**62)  # torch's seed comes first
            drawn.append(super().batch(stage, step, other))
        if self.spoilt and os.environ.get("LOCAL_RANK") == "1" and step == 6:
            drawn[0]["y"] *= math.nan
        return {name: torch.cat([one[name] for one in drawn]) for name in drawn[0]}


on_cpu = pytest.mark.skipif(torch.cuda.is_available(), reason="two processes on a CPU; here is a GPU")


@on_cpu
def test_two_devices_step_by_the_mean_of_what_both_have_drawn(tmp_path):
    one, two = Apart(both=True), Apart(both=False)
    wanted = fit(one, STAGES, tmp_path / "one", seed=5)
    history = fit(two, STAGES, tmp_path / "two", seed=5, devices=2)
    assert [entry["step"] for entry in history] == [entry["step"] for entry in wanted]
    assert [entry["score"] for entry in history] == pytest.approx([entry["score"] for entry in wanted], abs=1e-4)
    for name, value in one.model.state_dict().items():
        torch.testing.assert_close(two.model.state_dict()[name], value, atol=1e-4, rtol=1e-4)


@on_cpu
def test_what_is_no_number_on_any_device_stops_them_all(tmp_path):
    with pytest.raises(TrainingStopped, match="step 6 of stage 'one'.*step 4 are kept"):
        fit(Apart(both=False, spoilt=True), STAGES, tmp_path, seed=5, devices=2)


def test_parameters_without_a_rate_are_frozen_and_the_longest_beginning_wins():
    model = Line()
    stage = Stage("s", 1, {"a": 0.1, "a.bias": 0.3}, {}, steps=1)
    groups = parameter_groups(model, stage)
    assert {(g["lr"], g["weight_decay"], len(g["params"])) for g in groups} == {(0.1, 0.05, 1), (0.3, 0.0, 1)}
    assert not model.b.weight.requires_grad
    nothing = Stage("one", every=1, rates={"photo": 0.1}, settings={}, steps=1)
    with pytest.raises(BadInput, match="Stage 'one' trains nothing: its rates name photo. The model has a, b."):
        parameter_groups(model, nothing)


def test_the_schedule_warms_up_and_ends_near_zero():
    rates = [schedule(step, 100, 10) for step in range(100)]
    assert rates[0] == 0.1 and rates[9] == 1.0 == max(rates) and rates[-1] < 0.001
    assert all(a >= b for a, b in zip(rates[9:], rates[10:], strict=False))
    kept, half = ([schedule(step, 100, 10, end) for step in range(100)] for end in (1.0, 0.5))
    assert kept[:10] == rates[:10] and set(kept[9:]) == {1.0}
    assert half[-1] == pytest.approx(0.5, abs=1e-3) == min(half[9:])


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_an_interpolation_of_one_half_lies_half_way_to_where_training_went(decay):
    model = Line()
    first = model.a.weight.detach().clone()
    average, whole = (WeightAverage(model, decay, shares) for shares in ({"a": 0.5}, {"a": 0.5, "a.weight": 1.0}))
    with torch.no_grad():
        model.a.weight += 1
    average.update()
    whole.update()
    with average.swapped_in():
        half = model.a.weight.detach().clone()
    torch.testing.assert_close(model.a.weight.detach(), first + 1)
    whole.copy_to_model()
    torch.testing.assert_close(half, (first + model.a.weight.detach()) / 2)
    average.copy_to_model()
    torch.testing.assert_close(model.a.weight.detach(), half)


def test_swapping_the_average_in_and_out_leaves_the_weights_as_they_were():
    model = Line()
    average = WeightAverage(model, 0.9, {})
    before = model.a.weight.detach().clone()
    with torch.no_grad():
        model.a.weight += 1
    average.update()
    with average.swapped_in():
        inside = model.a.weight.detach().clone()
    torch.testing.assert_close(model.a.weight.detach(), before + 1)
    assert (inside < before + 1).all() and (inside > before - 1e-6).all()


def test_a_stage_is_given_in_steps_or_in_epochs_and_not_in_both():
    stage = Stage("s", every=2, rates={}, settings={}, epochs=6, warm_up=3)
    in_steps = stage.in_steps(10)
    assert (in_steps.steps, in_steps.every, in_steps.warm_up) == (60, 20, 3) and in_steps.in_steps(7) == in_steps
    for given in ({}, {"steps": 3, "epochs": 1}):
        with pytest.raises(BadInput, match="Expected either steps or epochs of stage 's'"):
            Stage("s", every=1, rates={}, settings={}, **given)

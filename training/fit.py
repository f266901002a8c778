"""The loop: stages of steps on Lightning Fabric, seeded, resumable to the step, keeping the best by validation.

What happens at a step depends on nothing but the seed, the stage and the step's number (and the weights): the batch and
all noise are drawn from generators made afresh of these three. So a run that is killed and started again gives, to the
bit, what it would have given undisturbed, and nothing of the samplers has to be saved.

On several GPUs a process each draws a batch of its own, and a step is made of the mean of their gradients.
"""

import json
import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import lightning.fabric
import numpy as np
import torch
from lightning.fabric.strategies import DDPStrategy
from safetensors.torch import load_file, save_file
from torch import nn
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from training.memory import keep_memory


class TrainingStopped(RuntimeError):
    """Training cannot go on; the message says where it stopped and what is left."""


@dataclass(frozen=True)
class Stage:
    """Some steps with one learning rate schedule: a linear warm-up, then half a cosine down to `end`."""

    name: str
    steps: int
    every: int  # steps between validations, and between checkpoints
    rates: dict[str, float]  # learning rate by the beginning of a parameter's name, the longest that fits; else frozen
    settings: dict[str, float]  # the rest of what the system reads: batch sizes, weights of losses
    warm_up: int = 20
    end: float = 0.0  # what is left of the rates at the end, as a share of their peak; 1 keeps them as they are
    weight_decay: float = 0.05
    average: float = 0.0  # decay of the running average of the weights that is validated and kept; 0 for none
    # How far what is validated and kept lies on the way from the stage's first weights to these, keyed like the rates.
    learned: dict[str, float] = field(default_factory=dict)


class Task(Protocol):
    """What is trained. `model(**batch)` gives a dict of losses whose entry "loss" is to be made small."""

    model: nn.Module

    def begin(self, stage: Stage, step: int) -> None:
        """Called before a stage's first step (0), and again where the stage goes on after a kill."""
        ...

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict: ...

    def validate(self, stage: Stage) -> dict[str, float]:
        """Figures of the validation items; "score" is the one that chooses the best."""
        ...


def fit(
    task: Task, stages: tuple[Stage, ...], folder: Path, seed: int, precision: str = "32-true", devices: int = 0
) -> list[dict]:
    """Train through all stages, or go on where the last run in `folder` was stopped, and load the best weights.

    folder gets: last.safetensors + last.json (to go on from), best.safetensors, history.json, tensorboard/.
    devices: how many to train on; 0 for every GPU there is, or else the CPU. After several, the model is on the CPU.

    Raises:
        TrainingStopped: the loss is no longer a finite number; the last checkpoint stays as it was.
    """
    keep_memory()
    folder.mkdir(parents=True, exist_ok=True)
    devices = devices or max(1, torch.cuda.device_count())
    # Processes are forked, for the task's caches are large. Not every loss reaches every parameter.
    strategy = "auto" if devices == 1 else DDPStrategy(start_method="fork", find_unused_parameters=True)
    fabric = lightning.fabric.Fabric(accelerator="auto", devices=devices, strategy=strategy, precision=precision)
    if why := fabric.launch(_train, task, stages, folder, seed):
        raise TrainingStopped(why)
    task.model.load_state_dict(load_file(folder / "best.safetensors"))
    task.model.eval()
    return json.loads((folder / "history.json").read_text())


def _train(
    fabric: lightning.fabric.Fabric, task: Task, stages: tuple[Stage, ...], folder: Path, seed: int
) -> str | None:
    """What each device does; why training was stopped, if it was. The first one validates and writes."""
    task.model, first = task.model.to(fabric.device), fabric.is_global_zero
    run = _Run(folder)
    run.read(task.model)
    fabric.barrier()  # until all have read, nothing is written
    own = () if first else (fabric.global_rank,)  # so that the first one draws what it would draw alone
    for number, stage in enumerate(stages):
        if number < run.stage:
            continue
        with fabric.rank_zero_first():  # what is kept on disk is computed once
            task.begin(stage, run.step)
        groups = parameter_groups(task.model, stage)
        model, optimizer = fabric.setup(task.model, torch.optim.AdamW(groups, betas=(0.9, 0.98)))
        average = Average(task.model, stage.average, stage.learned)
        run.restore(optimizer, average)
        peaks = [group["lr"] for group in groups]
        bar = tqdm(range(run.step, stage.steps), stage.name, initial=run.step, total=stage.steps, mininterval=5,
                   disable=not first)  # fmt: skip
        told: dict[str, list[float]] = {}  # since the last validation; not every step has every loss
        started = time.time()
        for step in bar:
            rng = np.random.default_rng((seed, number, step, *own))
            torch.manual_seed(int(rng.integers(2**62)))
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * schedule(step, stage.steps, stage.warm_up, stage.end)
            model.train()
            losses = model(**fabric.to_device(task.batch(stage, step, rng)))
            loss = fabric.all_reduce(losses["loss"].detach().clone(), reduce_op="mean").item()
            if not math.isfinite(loss):
                kept = f"The weights of step {run.step} are kept in {folder}" if run.started else "Nothing was saved"
                return (f"The loss is {loss} at step {step} of stage {stage.name!r}. {kept}. "
                        f"Lower the stage's rates and run again.")  # fmt: skip
            optimizer.zero_grad()
            fabric.backward(losses["loss"])
            fabric.clip_gradients(model, optimizer, max_norm=1.0)
            optimizer.step()
            average.update()
            for name, value in losses.items():
                told.setdefault(name, []).append(value.item())
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            if (step + 1) % stage.every == 0 or step + 1 == stage.steps:
                entry = {"stage": stage.name, "step": step + 1, "seconds": round(time.time() - started)}
                entry |= {f"train/{name}": round(sum(values) / len(values), 5) for name, values in told.items()}
                why = _validate(task, stage, average, run, entry) if first else None
                if why := fabric.broadcast(why):
                    return why
                if first:
                    run.write(task.model, optimizer, average, number, step + 1)
                    tqdm.write(json.dumps(entry))
                told = {}
        average.settle()
        run.next_stage(number + 1)
    return None


def _validate(task: Task, stage: Stage, average: "Average", run: "_Run", entry: dict) -> str | None:
    """Add the averaged weights' figures to `entry` and record it; why the task wants training stopped, if it does."""
    try:
        with average.swapped_in():
            task.model.eval()
            entry |= {name: round(value, 5) for name, value in task.validate(stage).items()}
            run.record(entry, task.model)
    except TrainingStopped as error:
        return str(error)
    return None


def schedule(step: int, steps: int, warm_up: int, end: float = 0.0) -> float:
    """The share of the peak learning rate at a step."""
    if step < warm_up:
        return (step + 1) / warm_up
    return end + (1 - end) * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


def trains(rates: Iterable[str], part: str) -> bool:
    """Whether any key of a stage's rates is that of parameters in a part of the model, such as photo.upper."""
    return any(part.startswith(key) or key.startswith(f"{part}.") for key in rates)


def parameter_groups(model: nn.Module, stage: Stage) -> list[dict]:
    """One group for each (rate, decayed or not); parameters that no key of `stage.rates` begins are frozen."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        rate = setting_of(name, stage.rates, 0.0)
        parameter.requires_grad_(rate > 0)
        if rate > 0:  # biases, norms and temperatures are not decayed
            groups.setdefault((rate, stage.weight_decay if parameter.ndim > 1 else 0.0), []).append(parameter)
    return [{"params": found, "lr": rate, "weight_decay": decay} for (rate, decay), found in groups.items()]


def setting_of(name: str, settings: dict[str, float], default: float) -> float:
    """What the longest key that begins a parameter's name says."""
    return settings.get(max((key for key in settings if name.startswith(key)), key=len, default=""), default)


class Average:
    """The weights that are validated and kept, which do better than the last ones.

    decay: of a running mean of the trained weights; 0 for none.
    learned: how far they lie on the way from the first weights to that mean, by the beginning of a parameter's name, 1
        where none fits: in between is a network that has learned less, and forgotten less of what it was not trained on
        (Wortsman et al. 2022, Robust fine-tuning of zero-shot models).
    """

    def __init__(self, model: nn.Module, decay: float, learned: dict[str, float]) -> None:
        self.decay, self.learned = decay, learned
        self.live = {name: p for name, p in model.named_parameters() if p.requires_grad and (decay or learned)}
        self.mean = {name: p.detach().clone() for name, p in self.live.items()}
        self.first = {name: p.detach().clone() for name, p in self.live.items()} if learned else {}
        self.updates = 0

    @torch.no_grad()
    def update(self) -> None:
        self.updates += 1
        decay = min(self.decay, self.updates / (self.updates + 10))  # short at first, so that the start is forgotten
        for name, p in self.live.items():
            self.mean[name].lerp_(p, 1 - decay)

    @torch.no_grad()
    def settle(self) -> None:
        """Leave the model with these weights."""
        for name, p in self.live.items():
            share = setting_of(name, self.learned, 1.0)
            p.copy_(self.mean[name] if share == 1.0 else self.first[name].lerp(self.mean[name], share))

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """A context in which the model has these weights."""
        held = {name: p.detach().clone() for name, p in self.live.items()}
        self.settle()
        yield
        with torch.no_grad():
            for name, p in self.live.items():
                p.copy_(held[name])


class _Run:
    """What lies in the folder: where training is, the best so far, and the history."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stage, self.step, self.started = folder, 0, 0, False
        self.best, self.history, self.kept = -math.inf, [], {}

    def read(self, model: nn.Module) -> None:
        """Take up the last run in the folder, if there is one."""
        if not (self.folder / "last.json").is_file():
            return
        held = json.loads((self.folder / "last.json").read_text())
        self.stage, self.step, self.best, self.history = (held[key] for key in ("stage", "step", "best", "history"))
        self.updates, self.started = held["updates"], True
        self.kept = load_file(self.folder / f"last-{held['parity']}.safetensors")
        model.load_state_dict({name[6:]: value for name, value in self.kept.items() if name.startswith("model.")})

    def restore(self, optimizer: torch.optim.Optimizer, average: Average) -> None:
        """Give a stage that was begun its optimiser's state back."""
        if not self.kept:
            return
        state = optimizer.state_dict()
        for name, value in self.kept.items():
            kind, _, rest = name.partition(".")
            if kind == "optimizer":
                number, _, key = rest.partition(".")
                state["state"].setdefault(int(number), {})[key] = value
            elif kind in ("average", "first"):
                (average.mean if kind == "average" else average.first)[rest].copy_(value)
        optimizer.load_state_dict(state)
        average.updates, self.kept = self.updates, {}

    def record(self, entry: dict, model: nn.Module) -> None:
        """Add to the history; keep the model's weights if they are the best so far."""
        self.history.append(entry)
        if entry["score"] > self.best:
            self.best = entry["score"]
            part = self.folder / "best.part"
            save_file({name: value.contiguous().cpu() for name, value in model.state_dict().items()}, part)
            part.replace(self.folder / "best.safetensors")
        _write_json(self.folder / "history.json", self.history)
        with SummaryWriter(str(self.folder / "tensorboard")) as board:  # tensorboard --logdir runs
            steps = sum(held["step"] for held in _ends(self.history))
            for name, value in entry.items():
                if isinstance(value, float):
                    board.add_scalar(name, value, steps)

    def write(self, model: nn.Module, optimizer, average: Average, stage: int, step: int) -> None:
        """Checkpoint: the tensors go to one of two files in turn, and last.json, replaced last, says which is whole."""
        tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in average.mean.items()}
        tensors |= {f"first.{name}": value for name, value in average.first.items()}
        for number, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{key}": value for key, value in state.items()}
        parity = len(self.history) % 2
        path = self.folder / f"last-{parity}.safetensors"
        save_file({name: value.detach().contiguous().cpu() for name, value in tensors.items()}, path)
        self.stage, self.step, self.updates, self.started = stage, step, average.updates, True
        held = {"stage": stage, "step": step, "best": self.best, "updates": average.updates, "parity": parity}
        _write_json(self.folder / "last.json", held | {"history": self.history})

    def next_stage(self, stage: int) -> None:
        self.stage, self.step, self.kept = stage, 0, {}


def _ends(history: list[dict]) -> list[dict]:
    """The last entry of each stage so far."""
    return list({entry["stage"]: entry for entry in history}.values())


def _write_json(path: Path, content) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1))
    part.replace(path)

"""The training loop on Lightning Fabric. It trains in stages, resumes at any step, and keeps the best checkpoint.

A step depends only on the weights, the seed, the stage and the step's number: the generators of its batch and its
noise are seeded by the last three. A run that is killed and resumed therefore ends bit for bit like an undisturbed
one, and no sampler state has to be saved.

On several GPUs each process draws its own batch, and the gradients are averaged (DDP).
"""

import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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

from training.learn.device import gpus
from training.world.memory import keep_memory
from xmr.files import replacing, write_json
from xmr.modality import BadInput, Item


class TrainingStopped(BadInput):
    """Training cannot continue; the message says at which step it stopped and which checkpoint is kept."""


@dataclass(frozen=True)
class Stage:
    """Steps with one learning rate schedule: linear warm-up, then cosine decay.

    Attributes:
        name: shown in the progress bar and the history.
        every: steps between validations, or epochs if the stage is given in epochs; each validation saves a checkpoint.
        rates: peak learning rates by prefix of the parameters' names. The longest matching prefix counts; parameters
            that match none are frozen.
        settings: settings of the system, such as batch sizes and loss weights.
        steps: number of steps; or
        epochs: number of passes over the training data.
        warm_up: steps of linear warm-up.
        end: final learning rate as a share of the peak; 1 keeps the rate constant.
        weight_decay: AdamW's weight decay; biases, norms and temperatures are not decayed.
        ema: decay of the exponential moving average of the weights that is validated and saved; 0 for none.
        interpolation: position of the saved weights between the stage's initial weights (0) and the trained ones (1),
            by prefix as for the rates; 1 where none matches.

    Raises:
        BadInput: neither steps nor epochs, or both; or never a validation.
    """

    name: str
    every: int
    rates: dict[str, float]
    settings: dict[str, float]
    steps: int = 0
    epochs: int = 0
    warm_up: int = 20
    end: float = 0.0
    weight_decay: float = 0.05
    ema: float = 0.0
    interpolation: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.steps > 0) == (self.epochs > 0):
            raise BadInput(
                f"Expected either steps or epochs of stage {self.name!r}, got {self.steps} steps and {self.epochs} "
                "epochs. Set the other one to 0."
            )
        if self.every < 1:
            raise BadInput(f"Expected 1 or more for 'every' of stage {self.name!r}, got {self.every}.")

    def in_steps(self, epoch: int) -> "Stage":
        """The same stage in steps, of which an epoch has so many.

        >>> stage = Stage("one", every=2, rates={}, settings={}, epochs=6).in_steps(10)
        >>> stage.steps, stage.every, stage.epochs
        (60, 20, 0)
        """
        if not self.epochs:
            return self
        return replace(self, steps=self.epochs * epoch, every=self.every * epoch, epochs=0)


class Task(Protocol):
    """A model and its data: `model(**batch)` returns a dict of scalar losses, and "loss" is minimised.

    Attributes:
        model: the module; its parameters are trained in place.
        data: the training and validation items by name; a run resumes only with the same items.
    """

    model: nn.Module
    data: Mapping[str, Sequence[Item]]

    def begin(self, stage: Stage, step: int) -> None:
        """Called before step 0 of a stage, or before the step at which a killed run resumes."""
        ...

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """The model's keyword arguments for one step; all randomness comes from `rng`, which is seeded for the step."""
        ...

    def validate(self, stage: Stage) -> dict[str, float]:
        """Validation metrics by name; the checkpoint with the highest "score" is the best."""
        ...


def fit(
    task: Task, stages: tuple[Stage, ...], folder: Path, seed: int, precision: str = "32-true", devices: int = 0
) -> list[dict]:
    """Train through all stages, or resume the run in `folder`, and load the best weights into the model.

    Args:
        task: the model, its batches and its validation.
        stages: trained one after another.
        folder: where last-{0,1}.safetensors and last.json (to resume from), best.safetensors, history.json and
            tensorboard/ are written.
        seed: seed of batches, augmentation and dropout.
        precision: Lightning Fabric's precision, such as "32-true".
        devices: number of devices; 0 for all GPUs, or the CPU if there is none or --device says so. After training on
            several, the model is on the CPU.

    Returns:
        The content of history.json: one entry per validation, with the mean losses since the previous one.

    Raises:
        TrainingStopped: the loss is not finite, or the task's validation raised it; the last checkpoint is kept.
    """
    keep_memory()
    folder.mkdir(parents=True, exist_ok=True)
    accelerator, devices = "auto" if gpus() else "cpu", devices or max(1, gpus())
    # Forked processes share the task's large caches. Not every loss reaches every parameter.
    strategy = "auto" if devices == 1 else DDPStrategy(start_method="fork", find_unused_parameters=True)
    fabric = lightning.fabric.Fabric(accelerator=accelerator, devices=devices, strategy=strategy, precision=precision)
    if why := fabric.launch(_train, task, stages, folder, seed):
        raise TrainingStopped(why)
    task.model.load_state_dict(load_file(folder / "best.safetensors"))
    task.model.eval()
    return json.loads((folder / "history.json").read_text())


def _train(
    fabric: lightning.fabric.Fabric, task: Task, stages: tuple[Stage, ...], folder: Path, seed: int
) -> str | None:
    """Train on one device; rank 0 validates and writes. Returns why training stopped early, if it did."""
    task.model, first = task.model.to(fabric.device), fabric.is_global_zero
    run = _RunState(folder)
    run.read(task.model)
    fabric.barrier()  # all ranks read before rank 0 writes
    rank = () if first else (fabric.global_rank,)  # rank 0 draws the same batches as a single device
    for number, stage in enumerate(stages):
        if number < run.stage:
            continue
        with fabric.rank_zero_first():  # cached features are computed once
            task.begin(stage, run.step)
        groups = parameter_groups(task.model, stage)
        model, optimizer = fabric.setup(task.model, torch.optim.AdamW(groups, betas=(0.9, 0.98)))
        average = WeightAverage(task.model, stage.ema, stage.interpolation)
        run.restore(optimizer, average)
        peaks = [group["lr"] for group in groups]
        bar = tqdm(
            range(run.step, stage.steps),
            stage.name,
            initial=run.step,
            total=stage.steps,
            mininterval=5,
            disable=not first,
        )
        losses_since: dict[str, list[float]] = {}  # since the last validation; a step need not have every loss
        started = time.time()
        for step in bar:
            rng = np.random.default_rng((seed, number, step, *rank))
            torch.manual_seed(int(rng.integers(2**62)))
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * schedule(step, stage.steps, stage.warm_up, stage.end)
            model.train()
            losses = model(**fabric.to_device(task.batch(stage, step, rng)))
            loss = fabric.all_reduce(losses["loss"].detach().clone(), reduce_op="mean").item()
            if not math.isfinite(loss):
                saved = f"The weights of step {run.step} are kept in {folder}" if run.started else "Nothing was saved"
                return (
                    f"The loss is {loss} at step {step} of stage {stage.name!r}. {saved}. "
                    f"Lower the stage's rates and run again."
                )
            optimizer.zero_grad()
            fabric.backward(losses["loss"])
            fabric.clip_gradients(model, optimizer, max_norm=1.0)
            optimizer.step()
            average.update()
            for name, value in losses.items():
                losses_since.setdefault(name, []).append(value.item())
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            if (step + 1) % stage.every == 0 or step + 1 == stage.steps:
                entry = {"stage": stage.name, "step": step + 1, "seconds": round(time.time() - started)}
                entry |= {f"train/{name}": round(sum(values) / len(values), 5) for name, values in losses_since.items()}
                why = _validate(task, stage, average, run, entry) if first else None
                if why := fabric.broadcast(why):
                    return why
                if first:
                    run.write(task.model, optimizer, average, number, step + 1)
                    tqdm.write(json.dumps(entry))
                losses_since = {}
        average.copy_to_model()
        run.next_stage(number + 1)
    return None


def _validate(task: Task, stage: Stage, average: "WeightAverage", run: "_RunState", entry: dict) -> str | None:
    """Validate the averaged weights, add the metrics to `entry` and record it. Returns the task's reason to stop early,
    if it has one."""
    try:
        with average.swapped_in():
            task.model.eval()
            entry |= {name: round(value, 5) for name, value in task.validate(stage).items()}
            run.record(entry, task.model)
    except TrainingStopped as error:
        return str(error)
    return None


def schedule(step: int, steps: int, warm_up: int, end: float = 0.0) -> float:
    """The learning rate at a step, as a share of the peak: linear warm-up, then cosine decay to `end`.

    >>> [round(schedule(step, steps=100, warm_up=10, end=0.1), 3) for step in (0, 9, 10, 55, 100)]
    [0.1, 1.0, 1.0, 0.55, 0.1]
    """
    if step < warm_up:
        return (step + 1) / warm_up
    return end + (1 - end) * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


def trains(rates: Iterable[str], part: str) -> bool:
    """Whether a stage with these learning rates trains any parameter of a part of the model, such as photo.upper."""
    return any(part.startswith(key) or key.startswith(f"{part}.") for key in rates)


def parameter_groups(model: nn.Module, stage: Stage) -> list[dict]:
    """Parameter groups for AdamW, one for each learning rate and weight decay. Parameters without a rate are frozen.

    Raises:
        BadInput: the stage has a rate for none.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        rate = by_prefix(name, stage.rates, 0.0)
        parameter.requires_grad_(rate > 0)
        if rate > 0:  # biases, norms and temperatures are not decayed
            groups.setdefault((rate, stage.weight_decay if parameter.ndim > 1 else 0.0), []).append(parameter)
    if not groups:
        parts = dict.fromkeys(name.partition(".")[0] for name, _ in model.named_parameters())
        raise BadInput(
            f"Stage {stage.name!r} trains nothing: its rates name {', '.join(stage.rates) or 'no part'}. The model has "
            f"{', '.join(parts)}."
        )
    return [{"params": members, "lr": rate, "weight_decay": decay} for (rate, decay), members in groups.items()]


def by_prefix(name: str, settings: dict[str, float], default: float) -> float:
    """The setting whose key is the longest prefix of a parameter's name.

    >>> by_prefix("sketch.upper.3.weight", {"sketch": 0.1, "sketch.upper": 0.2}, 0.0)
    0.2
    """
    return settings.get(max((key for key in settings if name.startswith(key)), key=len, default=""), default)


class WeightAverage:
    """The averaged weights, which are validated and saved instead of the last ones because they generalise better.

    Attributes:
        decay: decay of the exponential moving average of the trained weights; 0 for none.
        interpolation: position of the saved weights between the initial ones (0) and the average (1), by prefix of a
            parameter's name; 1 where none matches (WiSE-FT, Wortsman et al. 2022, Robust fine-tuning of zero-shot
            models).
    """

    def __init__(self, model: nn.Module, decay: float, interpolation: dict[str, float]) -> None:
        self.decay, self.interpolation = decay, interpolation
        self.live = {name: p for name, p in model.named_parameters() if p.requires_grad and (decay or interpolation)}
        self.mean = {name: p.detach().clone() for name, p in self.live.items()}
        self.initial = {name: p.detach().clone() for name, p in self.live.items()} if interpolation else {}
        self.updates = 0

    @torch.no_grad()
    def update(self) -> None:
        """Add the model's current weights to the average; called after each step."""
        self.updates += 1
        decay = min(self.decay, self.updates / (self.updates + 10))  # smaller at first, to forget the initial weights
        for name, p in self.live.items():
            self.mean[name].lerp_(p, 1 - decay)

    @torch.no_grad()
    def copy_to_model(self) -> None:
        """Copy the averaged weights into the model."""
        for name, p in self.live.items():
            share = by_prefix(name, self.interpolation, 1.0)
            p.copy_(self.mean[name] if share == 1.0 else self.initial[name].lerp(self.mean[name], share))

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """A context in which the model has the averaged weights."""
        live = {name: p.detach().clone() for name, p in self.live.items()}
        self.copy_to_model()
        yield
        with torch.no_grad():
            for name, p in self.live.items():
                p.copy_(live[name])


class _RunState:
    """A run's state on disk: the stage and step it has reached, its best score and its history."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stage, self.step, self.started = folder, 0, 0, False
        self.best, self.history, self.tensors = -math.inf, [], {}

    def read(self, model: nn.Module) -> None:
        """Load the last checkpoint in the folder, if there is one."""
        if not (self.folder / "last.json").is_file():
            return
        last = json.loads((self.folder / "last.json").read_text())
        self.stage, self.step, self.best, self.history = (last[key] for key in ("stage", "step", "best", "history"))
        self.updates, self.started = last["updates"], True
        self.tensors = load_file(self.folder / f"last-{last['parity']}.safetensors")
        model.load_state_dict({name[6:]: value for name, value in self.tensors.items() if name.startswith("model.")})

    def restore(self, optimizer: torch.optim.Optimizer, average: WeightAverage) -> None:
        """Restore the optimiser and the weight average of the stage in which the checkpoint was saved."""
        if not self.tensors:
            return
        state = optimizer.state_dict()
        for name, value in self.tensors.items():
            kind, _, rest = name.partition(".")
            if kind == "optimizer":
                number, _, key = rest.partition(".")
                state["state"].setdefault(int(number), {})[key] = value
            elif kind in ("average", "initial"):
                (average.mean if kind == "average" else average.initial)[rest].copy_(value)
        optimizer.load_state_dict(state)
        average.updates, self.tensors = self.updates, {}

    def record(self, entry: dict, model: nn.Module) -> None:
        """Append to the history, and save the model's weights if their score is the best so far."""
        self.history.append(entry)
        if entry["score"] > self.best:
            self.best = entry["score"]
            with replacing(self.folder / "best.safetensors") as part:
                save_file({name: value.contiguous().cpu() for name, value in model.state_dict().items()}, part)
        write_json(self.folder / "history.json", self.history)
        with SummaryWriter(str(self.folder / "tensorboard")) as board:  # tensorboard --logdir runs
            steps = sum(last["step"] for last in {entry["stage"]: entry for entry in self.history}.values())
            for name, value in entry.items():
                if isinstance(value, float):
                    board.add_scalar(name, value, steps)

    def write(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, average: WeightAverage, stage: int, step: int
    ) -> None:
        """Save a checkpoint. Two files take turns for the tensors; last.json, written last, names the complete one."""
        tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in average.mean.items()}
        tensors |= {f"initial.{name}": value for name, value in average.initial.items()}
        for number, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{key}": value for key, value in state.items()}
        parity = len(self.history) % 2
        path = self.folder / f"last-{parity}.safetensors"
        save_file({name: value.detach().contiguous().cpu() for name, value in tensors.items()}, path)
        self.stage, self.step, self.updates, self.started = stage, step, average.updates, True
        last = {"stage": stage, "step": step, "best": self.best, "updates": average.updates, "parity": parity}
        write_json(self.folder / "last.json", last | {"history": self.history})

    def next_stage(self, stage: int) -> None:
        self.stage, self.step, self.tensors = stage, 0, {}

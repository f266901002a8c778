"""One command for a whole system: from nothing but the data sets to what ships, step by step.

`python -m training make tri` runs the steps in STEPS, one after the other. After a kill it goes on with the step
it was in, and that step where it stopped.
"""

import argparse
import importlib
import json
import shlex
from collections.abc import Callable
from pathlib import Path

from training.options import OPTIONS
from xmr.files import write_json
from xmr.modality import BadInput

_CAPTIONS = ("render", "fit {name}", "publish {name}", "ablation {name}")
_SKETCHES = ("render", "ablation {name}", "publish {name}")  # the mean of its runs' weights ships
STEPS = {
    "tri": (
        "render",
        "fit sketchy-gan",  # whose sketch network tri begins with
        "fit tri",
        "publish tri",
        "fit doodles",  # each of these goes on from what the one before published
        "publish doodles",
        "fit typed",
        "publish typed",
        "render --split photos=96",
        "fit attributes",
        "publish attributes",
        "fit doodles-again",
        "publish doodles-again",
        "render --split photos=192",
        "fit attributes-again",
        "publish attributes-again",
        "fit classes",
        "publish classes",
        "render --split mixed=12",
        "fit composer",
        "publish composer",
    ),
    "sketchy-gan": (*_SKETCHES, "fit sketchy-gan-classes", "publish sketchy-gan-classes"),
    "zero-shot-dann": (
        "render",
        "ablation {name} --variant names --variant dann --variant triplet --variant average",
        "publish {name} --variant average",
        "ablation {name}",  # with mixed, which goes on from what is published
        "publish {name}",
    ),
    "coco-regions": ("render", "fit detector", *_CAPTIONS[1:]),
    "flickr30k-clip": _CAPTIONS,
    "iaprtc12-hashing": _CAPTIONS,
}
Command = Callable[[list[str]], int]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("system", choices=STEPS)
    parser.add_argument("--steps", action="store_true", help="only print the commands that it runs")


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit status of the step that failed, or 0. Raises BadInput."""
    if args.steps:
        print("\n".join(f"python -m training {step}" for step in steps(args.system)))
        return 0
    return make(args.system, OPTIONS["--runs"][0], importlib.import_module("training.__main__").main)


def steps(system: str) -> list[str]:
    """The commands that make a system, in order."""
    return [step.format(name=system) for step in STEPS[system]]


def make(system: str, runs: Path, command: Command) -> int:
    """Run the steps that are not done yet; `command` runs one, and returns its exit status.

    The record of the steps that are done, runs/make-<system>.json, goes when all are.

    Raises:
        BadInput: the record is of other steps than today's.
    """
    record, wanted = runs / f"make-{system}.json", steps(system)
    done = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else []
    if done != wanted[: len(done)]:
        raise BadInput(f"{record} lists other steps than {system} has today. Remove it to begin anew.")
    for number, step in enumerate(wanted[len(done) :], len(done) + 1):
        print(f"{number} of {len(wanted)}: python -m training {step}", flush=True)
        if status := command(shlex.split(step)):
            return status
        done.append(step)
        runs.mkdir(parents=True, exist_ok=True)
        write_json(record, done)
    record.unlink()
    return 0

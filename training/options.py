"""The options that several commands have alike."""

import argparse
import os
from pathlib import Path

from xmr.encoder import providers

OPTIONS = {
    "--runs": (Path("runs"), "where runs and their caches lie"),
    "--checkpoints": (Path("checkpoints"), "where checkpoints lie"),
    "--galleries": (Path("galleries"), "where the demo gallery lies"),
}


def add_system(parser: argparse.ArgumentParser) -> None:
    """The name of a system, tri without one."""
    parser.add_argument("system", nargs="?", default="tri", help="the system's name (default: tri)")


def add_folders(parser: argparse.ArgumentParser, *names: str) -> None:
    """Some of OPTIONS."""
    for name in names:
        default, about = OPTIONS[name]
        parser.add_argument(name, type=Path, default=default, help=f"{about} (default: {default})")


def add_device(parser: argparse.ArgumentParser) -> None:
    """What computes."""
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="what trains, computes features and validates: all GPUs that there are, else the CPU (auto), or one kind",
    )


def add_graphs_device(parser: argparse.ArgumentParser) -> None:
    """What computes exported graphs; `use_graphs_device` takes it."""
    parser.add_argument(
        "--device",
        choices=("cpu", "cuda"),
        default=os.environ.get("XMR_DEVICE", "cpu"),
        help="what computes the exported graphs: cpu, or cuda, for which onnxruntime-gpu has to be installed in place "
        "of onnxruntime",
    )


def use_graphs_device(name: str) -> None:
    """Let exported graphs that are opened from here on be computed there; raises BadInput where there is none."""
    os.environ["XMR_DEVICE"] = name
    providers()


def add_measured(parser: argparse.ArgumentParser) -> None:
    """Add the options of what a checkpoint is asked: where its data lies, and how many items at a time."""
    parser.add_argument(
        "--data",
        metavar="ROOT",
        help="where the data set that it was trained on lies now: a folder, or a name in XMR_DATA (default: where it "
        "was in training)",
    )
    parser.add_argument(
        "--batch-size", type=_at_least_one, default=32, metavar="N", help="items encoded at a time (default: 32)"
    )


def _at_least_one(number: str) -> int:
    """A positive number; ValueError, which argparse tells, for another."""
    if (value := int(number)) < 1:
        raise ValueError
    return value


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the options that train on other data, and by other settings, than a recipe says."""
    parser.add_argument(
        "--data",
        metavar="ROOT",
        help="where the data of the published system is: a folder, or a name in XMR_DATA. The system trains on it, and "
        "is measured on its test items",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="change a setting of the recipe, such as stages.0.steps=10",
    )


def add_ways_on(parser: argparse.ArgumentParser) -> None:
    """Add the options that decide about an existing run of other settings or code."""
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--restart", action="store_true", help="delete the run that is there, and start over")
    ways.add_argument("--accept-code", action="store_true", help="go on though the code has changed since")

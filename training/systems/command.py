"""`python -m training fit`: trains a system from its recipe, or resumes the last run."""

import argparse

from training import systems
from training.learn import device
from training.learn.run_record import accept_code, remove_run
from training.options import add_data, add_device, add_folders, add_system, add_ways_on
from training.systems.runs import run_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_system(parser)
    add_folders(parser, "--runs")
    add_data(parser)
    parser.add_argument("--variant", help="one of the recipe's variants (default: the one that ships)")
    parser.add_argument("--seed", type=int, help="of all that is random (default: the recipe's first)")
    add_device(parser)
    add_ways_on(parser)


def run(args: argparse.Namespace) -> None:
    """Train a system.

    Raises:
        BadInput: an option or the recipe is wrong, or data is missing.
        TrainingStopped: training cannot continue.
    """
    device.use(args.device)
    folder, overrides = run_of(args.system, args.runs, args.variant, args.seed, args.data, args.overrides)
    if args.restart:
        remove_run(folder)
    if args.accept_code:
        accept_code(folder)
    systems.module(args.system).run(folder, args.runs / "cache", overrides)

"""The options that several commands have alike."""

import argparse
from pathlib import Path

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

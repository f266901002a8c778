"""python -m training data | render | world-check | fit | evaluate | publish: from nothing to a checkpoint for the app.

data         list the data sets, check or fetch one
render       make the rendered world           -> runs/world
world-check  judge it by ImageNet's features   -> runs/world/check.json
fit          train a system by its recipe      -> runs/<system>
publish      export it, calibrate, evaluate    -> checkpoints/<system>, galleries/demo
evaluate     measure a published checkpoint    -> checkpoints/<system>/metrics.json, card.md
"""

import argparse
import importlib
import sys
from pathlib import Path

from xmr.modality import BadInput


def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser("python -m training", description=__doc__, formatter_class=_Raw)
    commands = parser.add_subparsers(dest="command", required=True)
    render = commands.add_parser("render", help="make the rendered world")
    if argv[:1] == ["render"]:  # only then: it is a part of its own, and nothing else needs it
        from training import world

        world.add_arguments(render)
    check = commands.add_parser("world-check", help="hold the rendered world against real photos and sketches")
    if argv[:1] == ["world-check"]:
        from training.world import check as world_check

        world_check.add_arguments(check)
    data = commands.add_parser("data", help="list the data sets; check, draw or fetch one")
    if argv[:1] == ["data"]:
        from training.datasets import command as data_command

        data_command.add_arguments(data)
    train = commands.add_parser("fit", help="train a system; goes on where a killed run stopped")
    train.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
                       help="change a setting of the recipe, such as stages.0.steps=10")  # fmt: skip
    publish = commands.add_parser("publish", help="export, calibrate, evaluate, write the card and the demo gallery")
    evaluate = commands.add_parser("evaluate", help="measure a published checkpoint on the test items")
    evaluate.add_argument("--protocol", action="append", help="only this one; may be repeated")
    evaluate.add_argument("--checkpoints", type=Path, default=Path("checkpoints"))
    for command in (train, publish, evaluate):
        command.add_argument("system", nargs="?", default="tri", help="the recipe's name (default: tri)")
    for command in (train, publish):
        command.add_argument("--runs", type=Path, default=Path("runs"), help="where runs and caches lie")
    publish.add_argument("--checkpoints", type=Path, default=Path("checkpoints"))
    publish.add_argument("--galleries", type=Path, default=Path("galleries"))
    args = parser.parse_args(argv)
    try:
        return COMMANDS[args.command](args) or 0
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _render(args: argparse.Namespace) -> int | None:
    from training import world

    return world.render_command(args)


def _world_check(args: argparse.Namespace) -> None:
    from training.world import check

    check.run(args)


def _data(args: argparse.Namespace) -> None:
    from training.datasets import command

    command.run(args)


def _fit(args: argparse.Namespace) -> None:
    _recipe(args.system).run(args.runs / args.system, args.runs / "cache", args.overrides)


def _publish(args: argparse.Namespace) -> None:
    from training.publish import publish

    publish(_recipe(args.system), args.runs, args.checkpoints, args.galleries)


def _evaluate(args: argparse.Namespace) -> None:
    from training.evaluate import evaluate
    from training.publish import write_card

    evaluate(args.system, args.checkpoints, args.protocol)
    write_card(args.checkpoints / args.system)


def _recipe(name: str):
    if not (Path(__file__).parent / "recipes" / f"{name}.yaml").is_file():
        known = ", ".join(sorted(path.stem for path in (Path(__file__).parent / "recipes").glob("*.yaml")))
        raise BadInput(f"There is no recipe {name!r}. Choose one of: {known}.")
    return importlib.import_module(f"training.recipes.{name}")


class _Raw(argparse.RawDescriptionHelpFormatter):
    """The docstring as it stands."""


COMMANDS = {
    "data": _data,
    "render": _render,
    "world-check": _world_check,
    "fit": _fit,
    "publish": _publish,
    "evaluate": _evaluate,
}

if __name__ == "__main__":
    sys.exit(main())

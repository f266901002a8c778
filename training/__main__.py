"""python -m training COMMAND: from nothing to a checkpoint for the app.

data         list the data sets, check or fetch one
render       make the rendered world           -> runs/world
world-check  judge it by ImageNet's features   -> runs/world/check.json
fit          train a system by its recipe      -> runs/<system>
study        train and compare its variants    -> checkpoints/<system>/study.json
publish      export it, calibrate, evaluate    -> checkpoints/<system>, its vectors of galleries/demo
gallery      make the demo gallery anew        -> galleries/demo
evaluate     measure a published checkpoint    -> checkpoints/<system>/metrics.json, card.md
space        a look into its space             -> checkpoints/<system>/space.json
leaderboard  all systems, all protocols        -> checkpoints/leaderboard.json
show         a picture of queries and answers  -> runs/shown/<system>.png
"""

import argparse
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
    leaderboard = commands.add_parser("leaderboard", help="join the figures of all systems in one file")
    show = commands.add_parser("show", help="some test sketches with the best photos for each, as a picture")
    if argv[:1] == ["show"]:
        from training import show as show_command

        show_command.add_arguments(show)
    train = commands.add_parser("fit", help="train a system; goes on where a killed run stopped")
    train.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
                       help="change a setting of the recipe, such as stages.0.steps=10")  # fmt: skip
    train.add_argument("--data", help="where its pictures are, or a data set's name: the recipe's setting `folder`")
    train.add_argument("--variant", help="one of the recipe's variants (default: the one that ships)")
    train.add_argument("--seed", type=int, help="of all that is random (default: the recipe's first)")
    study = commands.add_parser("study", help="train a recipe's variants from several seeds, and compare them")
    study.add_argument("--variant", action="append", help="only this one, beside what is known of the others; may be "
                       "repeated")  # fmt: skip
    publish = commands.add_parser("publish", help="export, evaluate; write the card and the gallery's vectors")
    gallery = commands.add_parser("gallery", help="make the demo gallery anew from the rendered world")
    evaluate = commands.add_parser("evaluate", help="measure a published checkpoint on the test items")
    evaluate.add_argument("--protocol", action="append", help="only this one; may be repeated")
    space = commands.add_parser("space", help="write a heat map of pairs and a map of a published checkpoint's space")
    for command in (train, study, publish, evaluate, space):
        command.add_argument("system", nargs="?", default="tri", help="the recipe's name (default: tri)")
    for command in (train, study, publish):
        command.add_argument("--runs", type=Path, default=Path("runs"), help="where runs and caches lie")
    for command in (study, publish, gallery, evaluate, space, leaderboard):
        command.add_argument("--checkpoints", type=Path, default=Path("checkpoints"))
    for command in (publish, gallery):
        command.add_argument("--galleries", type=Path, default=Path("galleries"))
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


def _show(args: argparse.Namespace) -> None:
    from training import show

    show.run(args)


def _leaderboard(args: argparse.Namespace) -> None:
    from training.leaderboard import write

    print(write(args.checkpoints))


def _fit(args: argparse.Namespace) -> None:
    from training import recipes
    from training.study import run_of

    folder, overrides = run_of(args.system, args.runs, args.variant, args.seed)
    data = [f"folder={args.data}"] if args.data else []
    recipes.module(args.system).run(folder, args.runs / "cache", [*overrides, *data, *args.overrides])


def _study(args: argparse.Namespace) -> None:
    from training.study import study

    study(args.system, args.runs, args.checkpoints, args.variant or ())


def _publish(args: argparse.Namespace) -> None:
    from training.publish import publish

    publish(args.system, args.runs, args.checkpoints, args.galleries)


def _gallery(args: argparse.Namespace) -> None:
    from training.publish import demo_gallery

    demo_gallery(args.galleries / "demo", args.checkpoints)


def _evaluate(args: argparse.Namespace) -> None:
    from training.evaluate import evaluate
    from training.publish import write_card

    evaluate(args.system, args.checkpoints, args.protocol)
    write_card(args.checkpoints / args.system)


def _space(args: argparse.Namespace) -> None:
    from training.space import write
    from xmr import checkpoint

    write(checkpoint.load(args.system, args.checkpoints), args.checkpoints / args.system)


class _Raw(argparse.RawDescriptionHelpFormatter):
    """The docstring as it stands."""


COMMANDS = {
    "data": _data,
    "render": _render,
    "world-check": _world_check,
    "fit": _fit,
    "show": _show,
    "leaderboard": _leaderboard,
    "study": _study,
    "publish": _publish,
    "gallery": _gallery,
    "evaluate": _evaluate,
    "space": _space,
}

if __name__ == "__main__":
    sys.exit(main())

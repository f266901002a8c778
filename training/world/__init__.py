"""The rendered world: photos, drawings and captions of things that never were, so that they may be shipped."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training render`."""
    from training.world import command  # torch and all shapes: only for those who render

    command.add_arguments(parser)


def render_command(args: argparse.Namespace) -> None:
    """Run `python -m training render`; raises BadInput."""
    from training.world import command

    command.run(args)

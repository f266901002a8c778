"""python -m training COMMAND: from nothing to a checkpoint for the app.

data           list the data sets, check or fetch one
render         make the rendered world           -> runs/world
realism        judge it by ImageNet's features   -> runs/world/realism.json
fit            train a system by its recipe      -> runs/<system>
ablation       train and compare its variants    -> checkpoints/<system>/study.json
publish        export it, calibrate, evaluate    -> checkpoints/<system>, its vectors of galleries/demo
gallery        rebuild the demo gallery          -> galleries/demo
adopt          export a model of open_clip, transformers, sentence-transformers or timm -> a system of its own
calibrate      fit its probabilities anew        -> checkpoints/<system>/config.json, metrics.json, card.md
evaluate       measure a published checkpoint    -> checkpoints/<system>/metrics.json, worst.json, card.md
card           write its card anew              -> checkpoints/<system>/card.md
audit          check what is said of all systems
embedding-map  pairs and t-SNE of its space      -> checkpoints/<system>/space.json
drawn          fit what tells drawings from photos -> xmr/preprocess/drawn.json
show           a picture of queries and answers  -> runs/shown/<system>.png
make           all of these that one system needs -> checkpoints/<system>
"""

import argparse
import importlib
import sys

from xmr.files import let_go_of_output
from xmr.modality import BadInput

# Each command's module has add_arguments(parser) and run(args), which may give an exit status; only the one that was
# asked for is imported.
COMMANDS = {
    "data": ("training.datasets.command", "list the data sets; check, draw or fetch one"),
    "render": ("training.world.command", "make the rendered world"),
    "realism": ("training.release.realism", "hold the rendered world against real photos and sketches"),
    "fit": ("training.systems.command", "train a system; goes on where a killed run stopped"),
    "ablation": ("training.release.ablation", "train a recipe's variants from several seeds, and compare them"),
    "publish": ("training.release.publish", "export, evaluate; write the card and the gallery's vectors"),
    "gallery": ("training.release.demo_gallery", "rebuild the demo gallery from the rendered world"),
    "adopt": ("training.release.adopt", "make a system of another library's model, which has no ONNX export"),
    "calibrate": ("training.release.calibration", "fit a checkpoint's probabilities of a match anew, and measure it"),
    "evaluate": ("training.release.evaluate", "measure a published checkpoint on the test items"),
    "card": ("training.release.card", "write a checkpoint's card anew, in today's words"),
    "audit": ("training.release.audit", "check figures, hashes, histories and what training saw of the test items"),
    "embedding-map": ("training.release.embedding_map", "write a heat map of pairs and a map of a checkpoint's space"),
    "drawn": ("training.release.drawn", "fit and measure what tells drawings from photographs"),
    "show": ("training.release.show", "some test queries with the best answers to each, as a picture"),
    "make": (
        "training.release.make",
        "all steps from the data sets to a published system; goes on where it was killed",
    ),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 where an audit failed, 2 for a user's mistake, 130 when
    interrupted."""
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(
        "python -m training", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (module, about) in COMMANDS.items():
        command = commands.add_parser(name, help=about)
        if argv[:1] == [name]:
            importlib.import_module(module).add_arguments(command)
    args = parser.parse_args(argv)
    try:
        status = importlib.import_module(COMMANDS[args.command][0]).run(args) or 0
        print(end="", flush=True)  # what no reader wants is known here, and not when Python ends
        return status
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped. What was done is kept; run the same command to go on.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as head, has had enough
        let_go_of_output()
        return 0


if __name__ == "__main__":
    sys.exit(main())

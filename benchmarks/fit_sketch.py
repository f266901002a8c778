"""What an adapter for drawings is worth to an adopted model with real weights: a network that knows ImageNet's photos
and has seen no drawing (EfficientNet-Lite0), on test drawings with the adapter and without.

python -m benchmarks.fit_sketch     (needs training/requirements.txt and the data sets)
"""

import os
import tempfile
from pathlib import Path

from benchmarks.report import write

NETWORK = "tf_efficientnet_lite0"


def write_model(folder: Path) -> None:
    """The network as a hub holds one of timm's."""
    from timm.models import save_for_hf

    from training.towers.photo import pretrained

    save_for_hf(pretrained(NETWORK), str(folder), safe_serialization=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        os.environ["XMR_MODELS"] = str(Path(place) / "models")
        from training.release.adopt import adopt
        from training.release.fit_sketch import adapt

        write_model(Path(place) / "lite0")
        adopt(str(Path(place) / "lite0"))
        told = adapt("lite0")
    keys = ("metrics", "stderr", "chance")
    tests = {
        name: {"queries": entry["queries"], **{key: entry[key] for key in keys}} for name, entry in told.tests.items()
    }
    fitted = {"strength": told.strength, "before": told.before, "after": told.after, "data": told.data}
    write(
        "fit_sketch", {"network": NETWORK, "drawings": told.drawings, "photos": told.photos, **fitted, "tests": tests}
    )


if __name__ == "__main__":
    main()

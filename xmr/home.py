"""Where the checkpoints, the models that were adopted and the shipped gallery lie."""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def home() -> Path:
    """The folder that holds `checkpoints`, and in a clone `galleries` and app.py: where $XMR_HOME points, else the
    clone that this package is in, else the package as it was installed, with the checkpoint `tri` alone."""
    if given := os.environ.get("XMR_HOME"):
        return Path(given).expanduser().absolute()
    return PACKAGE.parent if (PACKAGE.parent / "checkpoints").is_dir() else PACKAGE


def models() -> Path:
    """The folder of the models that were adopted: $XMR_MODELS, else one in the user's data folder."""
    if given := os.environ.get("XMR_MODELS"):
        return Path(given).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("xmr") / "models"

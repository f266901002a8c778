"""Makes the API reference from the docstrings, for `make docs`: python -m tools.docs [FOLDER] (default docs/api).

Warnings of pdoc, such as a type that it cannot resolve, are errors here.
"""

import sys
import warnings
from pathlib import Path

import pdoc

import xmr

ROOT = Path(__file__).resolve().parents[1]
MODULES = ("xmr", "xmr.gallery", "xmr.evaluation", "xmr.metrics", "xmr.index", "xmr.remote")


def main(folder: str | Path = ROOT / "docs" / "api") -> None:
    """Write the reference into a folder."""
    vars(xmr).update({name: getattr(xmr, name) for name in xmr.__all__})  # pdoc only sees names that are already loaded
    pdoc.render.configure(docformat="google", footer_text=f"xmr {xmr.__version__}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pdoc.pdoc(*MODULES, output_directory=Path(folder))
    print(f"The reference is in {Path(folder) / 'index.html'}")


if __name__ == "__main__":
    main(*sys.argv[1:2])

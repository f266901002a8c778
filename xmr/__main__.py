"""`python -m xmr` is the command `xmr`."""

import sys

from xmr.cli import main

if __name__ == "__main__":
    sys.exit(main())

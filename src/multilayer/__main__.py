"""``python -m multilayer``: the command line."""

import sys

from multilayer._cli.main import main

if __name__ == "__main__":
    sys.exit(main())

"""`python -m streams.commands` is `headrace`."""

import sys

from streams.commands.main import main

if __name__ == "__main__":
    sys.exit(main())

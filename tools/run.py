#!/usr/bin/env python3
"""Entry of the host side: run.sh ends here once the machine has what it needs."""

import sys

from runner.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
"""Entry of the host side: run.sh ends here once the machine has what it needs."""

import os
import sys

from runner.cli import main

if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BrokenPipeError:  # a reader such as `head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(3)

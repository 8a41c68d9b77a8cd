"""`python -m nuforge`: the command line."""

import sys

from nuforge.cli import main

sys.exit(main())

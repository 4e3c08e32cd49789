"""`python -m pillarbox.cli` is the `pillarbox` command."""

import sys

from pillarbox.cli.main import main

sys.exit(main())

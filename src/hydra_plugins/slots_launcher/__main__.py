"""``python -m hydra_plugins.slots_launcher multirun``: the sweep's table from its directories alone."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from hydra_plugins.slots_launcher._status import main

    sys.exit(main(sys.argv[1:]))

"""Put finished runs side by side.

python report.py                          all runs under outputs and multirun
python report.py multirun                 the runs of the sweeps
python report.py --selection source_dev   scores of the checkpoint chosen on the source's development set
python report.py --markdown               the same as a GitHub table
"""

from __future__ import annotations

import sys

from sentiment_transfer.report.terminal import main

if __name__ == "__main__":
    sys.exit(main())

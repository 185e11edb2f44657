"""Put finished runs side by side: a table on the terminal, and a report with intervals, tests and figures in a folder.

python report.py                          all runs under outputs and multirun, into outputs/report
python report.py multirun --out paper     the runs of the sweeps, into paper
python report.py --selection source_dev   scores of the checkpoint chosen on the source's development set
python report.py --no-texts               without the reviews' texts, to pass the report on
python report.py --terminal               the table alone; --markdown prints it as a GitHub table
python report.py --dashboard              also a workspace and a report on Weights & Biases

While a sweep runs, the same command shows what is finished so far and names what is not.
"""

from __future__ import annotations

import sys

from sentiment_transfer.files.arguments import refuse_unreadable_names
from sentiment_transfer.files.output import outlast_output, output_was_lost
from sentiment_transfer.report.command import main

if __name__ == "__main__":
    outlast_output()
    refuse_unreadable_names()
    code = main()
    sys.exit(code or output_was_lost())

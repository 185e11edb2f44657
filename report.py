"""Put finished runs side by side: a table on the terminal, and a report with intervals, tests and figures in a folder.

python report.py                          all runs under outputs and multirun, into outputs/report
python report.py multirun --out paper     the runs of the sweeps, into paper
python report.py --selection source_dev   scores of the checkpoint chosen on the source's development set
python report.py --no-texts               without the reviews' texts, to pass the report on
python report.py --terminal               the table alone; --markdown prints it as a GitHub table
python report.py --dashboard              also a workspace and a report on Weights & Biases

While a sweep runs, the same command shows what is finished so far and names what is not.
"""

import os
import sys

# The packages may be missing: then this Python is told what to type.
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "src"))

from sentiment_transfer.programs.script import run


def main(arguments: "list[str]") -> int:
    """The report, for a notebook or a test that runs this file."""
    from sentiment_transfer.report.command import main as report

    return report(arguments)


if __name__ == "__main__":
    run("report")

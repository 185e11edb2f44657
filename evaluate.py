"""Score a trained model on targets, under the same contract as a run, so that it stands beside runs in the report.

    python evaluate.py checkpoint=outputs/<run> targets=smsa_id                 other targets than it was scored on
    python evaluate.py checkpoint=exported/folder targets=[smsa_id,indolem_id]
    python evaluate.py checkpoint=owner/name 'labels={LABEL_0: negative, LABEL_1: null, LABEL_2: positive}'
    python evaluate.py --help                                                   every option
    python report.py outputs                                                    and all of them side by side

What has been evaluated before is shown, not repeated. --verbose also lists published numbers that are not comparable.
"""

import os
import sys

# The packages may be missing: then this Python is told what to type.
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "src"))

from sentiment_transfer.programs.script import run

# The shells' completion of `python evaluate.py` looks for the words @hydra.main in this file.
if __name__ == "__main__":
    run("evaluate")

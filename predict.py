"""Label a file of texts with a trained model.

    python predict.py checkpoint=outputs/<run> input=reviews.csv output=labels.csv
    python predict.py checkpoint=outputs/<run> input=reviews.jsonl.gz output=labels.jsonl.gz text=body
    python predict.py checkpoint=owner/name input=a.parquet output=b.parquet 'labels={LABEL_0: negative, ...}'
    cat lines.txt | python predict.py checkpoint=outputs/<run> input=- output=-
    python predict.py --help                              every option

Label and probability columns are added, all else is kept. The same command again continues what was interrupted.
"""

import os
import sys

# The packages may be missing: then this Python is told what to type.
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "src"))

from sentiment_transfer.programs.script import run

# The shells' completion of `python predict.py` looks for the words @hydra.main in this file.
if __name__ == "__main__":
    run("predict")

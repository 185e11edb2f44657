"""Train on one language, score on others.

    python train.py experiment=demo                       multilingual E5 small on the written reviews, no GPU needed
    python train.py                                       the paper's protocol: XLM-R base, AmazonEN, four targets
    python train.py source=amazon_ja model=large seed=1   another cell
    python train.py targets=[smsa_id,indolem_id]          fewer targets
    python train.py -m model=base,large seed=0,1,2        a sweep
    python train.py --verbose                             also lists published numbers that are not comparable
    python train.py --help                                every group and option; --cfg job shows what would run

The same command again continues what was interrupted and skips what is finished.
"""

import os
import sys

# The packages may be missing: then this Python is told what to type.
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "src"))

from sentiment_transfer.programs.script import run

# The shells' completion of `python train.py` looks for the words @hydra.main in this file.
if __name__ == "__main__":
    run("train")

"""Average the weights of finished runs that began with the same head, and score the mean as a run of its own.

python train.py -m experiment=tiny model.init_seed=0 seed=0,1,2 paths.sweep_dir=heads
python average.py heads/scratch-written_en-s?-*        the mean of these three, in a new directory beside them
python average.py RUN RUN --selection average    the mean of the means over each run's epochs

Schmidt et al. 2023 (arXiv 2305.16834): such means transfer better than one run, and no target label chooses anything.
The report shows the mean as a row of its own.
"""

import os
import sys

# The packages may be missing: then this Python is told what to type.
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "src"))

from sentiment_transfer.programs.script import run

if __name__ == "__main__":
    run("average")

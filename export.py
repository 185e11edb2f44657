"""Write a run's model out as a folder that transformers reads, with a model card.

    python export.py checkpoint=outputs/<run> output=my-model                       weights, tokenizer, README.md
    python export.py checkpoint=outputs/<run> output=my-model onnx=true int8=true   also for ONNX Runtime, compared
    python export.py checkpoint=outputs/<run> output=my-model selection=last        another of the run's selections
    python export.py checkpoint=outputs/<run> output=my-model push=user/my-model    also on the Hugging Face hub
    python export.py --help                                                         every option

The folder is written whole or not at all; overwrite=true replaces an earlier export.
"""

import os
import sys

# The packages may be missing: then this Python is told what to type.
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "src"))

from sentiment_transfer.programs.script import run

# The shells' completion of `python export.py` looks for the words @hydra.main in this file.
if __name__ == "__main__":
    run("export")

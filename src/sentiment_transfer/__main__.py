"""``python -m sentiment_transfer train ...``: the same as the command ``sentiment-transfer``."""

import sys

from sentiment_transfer.programs.command import main

if __name__ == "__main__":
    sys.exit(main())

"""The command ``sentiment-transfer`` and its verbs, which are also the scripts at the root of a checkout.

``script.py`` and this file are read by any Python 3: an old one, or one without the packages, is told what to type.
"""

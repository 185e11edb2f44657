"""Atomic writing, and strict and lenient readers of text files."""

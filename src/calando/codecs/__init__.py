"""Codecs: how others store what calando stores. Plain files and NumPy arrays; no framework is loaded."""

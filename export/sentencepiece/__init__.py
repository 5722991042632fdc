"""Unigram tokenizers of the sentencepiece library (Kudo and Richardson 2018, arXiv 1808.06226), without it.

They are a few arrays and two compiled loops; the tokenizers library would need sixteen times the memory.
"""

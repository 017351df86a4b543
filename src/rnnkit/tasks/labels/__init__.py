"""Sequence to label, sequence to number: classify and regress."""

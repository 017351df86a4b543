"""Texts as whole numbers."""

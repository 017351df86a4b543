"""A label a step: the tags of the words of a sentence."""

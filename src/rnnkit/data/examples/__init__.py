"""Examples to learn from: sequences with a label, a number, or a label a step."""

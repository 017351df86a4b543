"""Language models: what follows a text, and texts made by them."""

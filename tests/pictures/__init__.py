"""`make pictures`: the pictures in README and docs, made from what the program really said and drew."""

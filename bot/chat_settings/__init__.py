"""Settings as an operator sees and changes them while the program runs: what they take, and what they risk."""

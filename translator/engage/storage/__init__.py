"""The state of Engage in a file between runs, and the positions in input and output."""

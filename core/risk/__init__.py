"""Whether an order may leave, and how large it should be. Pure: time and facts come in as arguments."""

"""Doors to a venue. `base` is the contract; nothing outside the composition root knows which room lies behind it."""

"""The desk in a browser: the same App, painted through a websocket instead of a terminal."""

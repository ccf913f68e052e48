"""The panes. They hold view state only, get slices of the engine's state, and post intents."""

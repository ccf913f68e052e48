"""The operator's desk. It shows `EngineState`, posts commands, and decides nothing."""

"""Everything that trades: the language, the engine, risk and the connectors. Knows nothing of any screen."""

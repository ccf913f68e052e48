"""The paper exchange: a process of its own that speaks Lighter's wire formats."""

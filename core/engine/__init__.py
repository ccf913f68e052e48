"""Tasks, orders, fills and the journal: a pure machine inside one asynchronous shell."""

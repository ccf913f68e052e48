"""The paper exchange: a process of its own that speaks Lighter's REST and WebSocket formats on 127.0.0.1.

Pure, time and seed in, frames and replies out: `catalogue` and `market` (what is listed), `orders`, `book`, `matching`
and `exchange` (who trades with whom, and when), `accounts`, `margin`, `funding` and `liquidation` (money), `tx`,
`rules`, `order_rules` and `sequencer` (signed transactions), `tokens` and `signatures`, `channels`, `conversation`,
`query`, `rest*`, `feed` and `account_feed` with the `*views` (the wire), `walk*` and `generator` (markets that move),
`faults*` and `tiers*` (what goes wrong, what is allowed), `simulation` (all of it as one). Shells: `hub`, `server` and
`verifier` carry bytes and wait, `control*` is the operator's hand, `recording`, `replay` and `upstream` bring other
markets, `process` is the program, `child` starts it from another.

It knows nothing of the engine, and of the connector only where fresh keys come from.
"""

"""The paper exchange: a process of its own that speaks Lighter's REST and WebSocket formats on 127.0.0.1.

Pure, time and seed in, frames and replies out: `catalogue` and `market` (what is listed), `orders`, `book`, `exchange`
(matching), `accounts` and `margin` (money), `tx`, `rules` and `sequencer` (signed transactions), `tokens`, `channels`,
`conversation`, `rest` and `feed` with the `*views` (the wire), `walk` and `generator` (markets that move), `simulation`
(all of it as one). Shells: `hub` and `server` carry bytes, `process` is the program, `child` starts it from another.

It knows nothing of the engine, and of the connector only where fresh keys come from.
"""

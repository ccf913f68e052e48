"""The composition root's rooms, one module a command: `add` says its arguments, `run` carries it out.

What several commands share: `words` (arguments and sentences), `places` (profiles, folders, logs). Heavy imports happen
inside `run`, so that `--help` stays quick.
"""

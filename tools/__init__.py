"""Helpers for those who work on the project; nothing the program needs."""

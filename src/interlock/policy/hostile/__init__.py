"""Policies that do wrong on purpose, so that every guard has something to refuse."""

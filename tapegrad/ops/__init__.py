"""Declarations: what each operation is, and nothing about how it runs."""

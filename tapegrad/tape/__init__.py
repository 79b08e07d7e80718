"""The flat tape: its arrays, text and files."""

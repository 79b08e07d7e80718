"""How `DataLoader` makes batches, here and in its worker processes."""

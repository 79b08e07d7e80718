"""The same elements in another shape or order: views, copies, several tensors made one, one made several."""

"""Matrices: products, contractions of many axes, systems and norms, decompositions and their factors."""

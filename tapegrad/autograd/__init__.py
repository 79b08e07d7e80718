"""Differentiation: backward and grad, graph views, modes."""

"""On each element: arithmetic with options, choices, bounds, special functions."""

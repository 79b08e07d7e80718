"""What tapegrad costs, measured side by side with PyTorch: `python -m benchmarks` prints one table.

`harness` says how things are measured; each other module holds a group of figures.
"""

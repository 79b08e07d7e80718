"""A table of values, read between its entries: its gradient is scattered to the entries that were read.

    python examples/interpolation_table.py [torch]

The table is an unknown function at equally spaced places. Samples of the function somewhere in between are all there
is; gradient descent on the entries finds them, since reading with indices has a gradient, and entries that are read
many times gather many contributions.
"""
import importlib
import sys

torch = importlib.import_module(sys.argv[1] if len(sys.argv) > 1 else "tapegrad")


def read(table, x):
    """The table at places x between 0 and 1, linear between entries."""
    place = x * (len(table) - 1)
    left = place.floor().long().clamp(max=len(table) - 2)
    weight = place - left
    return (1 - weight) * table[left] + weight * table[left + 1]


def fit(x, y, entries=17, steps=400):
    """The table whose readings at x are nearest to y; entries are scaled by how often they are read."""
    table = torch.zeros(entries, requires_grad=True)
    often = torch.zeros(entries, requires_grad=True)
    read(often, x).sum().backward()  # the gradient of a sum of readings: each entry's share in them
    for _ in range(steps):
        loss = ((read(table, x) - y) ** 2).sum() / 2
        loss.backward()
        with torch.no_grad():
            table -= table.grad / often.grad
            table.grad = None
    return table.detach(), loss.item()


if __name__ == "__main__":
    torch.manual_seed(3)
    x = torch.rand(2000)
    table, loss = fit(x, torch.sqrt(x))
    for i in range(0, 17, 4):
        print(f"table[{i:2}] = {table[i]:.4f}   sqrt = {(i / 16) ** 0.5:.4f}")

"""A sine fitted by a cubic: with tensors, with gradients, with modules and an optimiser, and with control flow."""
import math
import random

import tapegrad as torch
from tapegrad import nn, optim

x = torch.linspace(-math.pi, math.pi, 500)
y = torch.sin(x)

torch.manual_seed(0)
a, b, c, d = (torch.randn(()) for _ in range(4))
rate = 1e-6
for t in range(400):
    predicted = a + b * x + c * x ** 2 + d * x ** 3
    error = 2.0 * (predicted - y)
    a -= rate * error.sum()
    b -= rate * (error * x).sum()
    c -= rate * (error * x ** 2).sum()
    d -= rate * (error * x ** 3).sum()
print(f"by hand: {a.item():.4f} {b.item():.4f} {c.item():.4f} {d.item():.4f}")

model = nn.Sequential(nn.Linear(3, 1), nn.Flatten(0, 1))
powers = x.unsqueeze(-1).pow(torch.tensor([1, 2, 3]))
loss_fn = nn.MSELoss(reduction="sum")
optimizer = optim.RMSprop(model.parameters(), lr=1e-3)
for t in range(500):
    loss = loss_fn(model(powers), y)
    if t % 100 == 99:
        print(t, f"{loss.item():.3f}")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
linear = model[0]
print(f"y = {linear.bias.item():.4f} + {linear.weight[:, 0].item():.4f} x", linear)


class Dynamic(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d, self.e = (nn.Parameter(torch.randn(())) for _ in range(5))

    def forward(self, x):
        y = self.a + self.b * x + self.c * x ** 2 + self.d * x ** 3
        for exp in range(4, random.randint(4, 6)):
            y = y + self.e * x ** exp
        return y

    def string(self):
        return f"{self.a.item():.3f} + {self.b.item():.3f} x + {self.c.item():.3f} x^2 + {self.d.item():.3f} x^3"


random.seed(0)
torch.manual_seed(1)
dynamic = Dynamic()
criterion = nn.MSELoss(reduction="sum")
optimizer = optim.SGD(dynamic.parameters(), lr=1e-8, momentum=0.9)
for t in range(200):
    loss = criterion(dynamic(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"{loss.item():.3f}", dynamic.string())
print(sum(p.numel() for p in dynamic.parameters()), [name for name, _ in dynamic.named_parameters()])

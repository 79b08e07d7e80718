"""Perceptrons of several layers: modules, initialisation, parameters read, tied, saved, loaded; decay, dropout."""
import os
import tempfile

import tapegrad as torch
import tapegrad.nn.functional as F
from tapegrad import nn


class MLP(nn.Module):
    def __init__(self, num_inputs, num_hiddens, num_outputs, dropout=0.0):
        super().__init__()
        self.hidden = nn.Linear(num_inputs, num_hiddens)
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(num_hiddens, num_outputs)

    def forward(self, X):
        return self.out(self.drop(F.relu(self.hidden(X))))


class CenteredLayer(nn.Module):
    def forward(self, X):
        return X - X.mean()


class MyLinear(nn.Module):
    def __init__(self, in_units, units):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(in_units, units))
        self.bias = nn.Parameter(torch.randn(units,))

    def forward(self, X):
        return F.relu(torch.matmul(X, self.weight.data) + self.bias.data)


torch.manual_seed(3)
net = MLP(20, 32, 10, 0.3)
print(net)
X = torch.rand(2, 20)
print(net.eval()(X).shape, net(X)[0, :3])
net.train()
print(net(X)[0, :3])

net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
print(net[2].state_dict())
print(type(net[2].bias), net[2].bias.data, net[2].weight.grad is None)
print(*[(name, param.shape) for name, param in net.named_parameters()])
print(net.state_dict()["2.bias"].data)


def init_xavier(m):
    if isinstance(m, nn.Linear):
        nn.init.xavier_uniform_(m.weight)
        nn.init.constant_(m.bias, 1)


net.apply(init_xavier)
print(net[0].weight.data[0], net[0].bias.data)
with torch.no_grad():
    net[0].weight[:] += 1
    net[0].weight[0, 0] = 42
print(net[0].weight.data[0])

shared = nn.Linear(8, 8)
tied = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), shared, nn.ReLU(), shared, nn.ReLU(), nn.Linear(8, 1))
tied[2].weight.data[0, 0] = 100
print(tied[2].weight.data[0] == tied[4].weight.data[0], len([*tied.parameters()]))

stacked = nn.Sequential(CenteredLayer(), MyLinear(5, 3), nn.Linear(3, 2))
centred = nn.Sequential(nn.Linear(8, 128), CenteredLayer())(torch.rand(4, 8))
print(stacked(torch.rand(2, 5)).shape, float(centred.mean()) < 1e-6)

lazy = nn.Sequential(nn.LazyLinear(16), nn.ReLU(), nn.LazyLinear(2))
print(lazy[0].weight)
lazy(torch.rand(2, 7))
print(lazy[0].weight.shape, lazy)

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "mlp.params")
    first = MLP(20, 32, 10)
    torch.save(first.state_dict(), path)
    clone = MLP(20, 32, 10)
    print(clone.load_state_dict(torch.load(path)))
    clone.eval()
    print(torch.equal(clone(X), first.eval()(X)))
    try:
        MLP(20, 16, 10).load_state_dict(torch.load(path))
    except RuntimeError as error:
        print(str(error).splitlines()[1])

torch.manual_seed(5)
n_train, num_inputs = 20, 200
true_w, true_b = torch.ones((num_inputs, 1)) * 0.01, 0.05
features = torch.randn(n_train, num_inputs)
labels = features @ true_w + true_b + torch.randn(n_train, 1) * 0.01
decayed = nn.Sequential(nn.Linear(num_inputs, 1))
for param in decayed.parameters():
    param.data.normal_()
trainer = torch.optim.SGD([{"params": decayed[0].weight, "weight_decay": 3}, {"params": decayed[0].bias}], lr=0.003)
for _ in range(60):
    trainer.zero_grad()
    F.mse_loss(decayed(features), labels).backward()
    trainer.step()
print(f"L2 norm of w: {decayed[0].weight.norm().item():.4f}", trainer.param_groups[0]["weight_decay"])
print(trainer)

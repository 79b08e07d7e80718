"""Recipes: states and checkpoints, reproducible runs, code for any device, timing, hooks on modules, averages."""
import copy
import os
import tempfile
import time

import tapegrad as torch
import tapegrad.backends.cudnn as cudnn
import tapegrad.nn as nn
import tapegrad.nn.functional as F
import tapegrad.optim as optim


def set_seed(seed):
    torch.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)
    torch.cuda.manual_seed_all(seed)
    cudnn.deterministic, cudnn.benchmark = True, False
    torch.use_deterministic_algorithms(True)


use_cuda = torch.cuda.is_available()
use_mps = torch.backends.mps.is_available()
device = torch.device("cuda" if use_cuda else "mps" if use_mps else "cpu")
device = torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else device
torch.set_default_device("cpu")
torch.set_float32_matmul_precision("high")
print(device, torch.device("cuda:0"), torch.cuda.device_count(), torch.get_default_device())


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.fc1 = nn.Linear(6, 8)
        self.bn = nn.BatchNorm1d(8)
        self.fc2 = nn.Linear(8, 3)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long), persistent=True)

    def forward(self, x):
        self.steps += 1
        return self.fc2(F.relu(self.bn(self.fc1(x))))


def train(net, optimizer, steps):
    for _ in range(steps):
        x = torch.randn(16, 6, device=device)
        target = x[:, :3].argmax(1)
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), target)
        loss.backward()
        optimizer.step()
    return loss.item()


losses = []
for _ in range(2):
    set_seed(11)
    net = Net().to(device)
    losses.append(train(net, optim.Adam(net.parameters(), lr=0.01), 5))
print(losses[0] == losses[1], f"{losses[0]:.4f}")

for name, tensor in net.state_dict().items():
    print(name, "\t", tensor.size())
optimizer = optim.SGD(net.parameters(), lr=0.001, momentum=0.9)
train(net, optimizer, 2)
print({k: v for k, v in optimizer.state_dict()["param_groups"][0].items() if k in ("lr", "momentum", "params")})

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "model.pt")
    torch.save({"epoch": 5, "model_state_dict": net.state_dict(), "optimizer_state_dict": optimizer.state_dict(),
                "loss": 0.4}, path)
    other, other_optimizer = Net(), None
    other_optimizer = optim.SGD(other.parameters(), lr=0.5, momentum=0.1)
    checkpoint = torch.load(path, map_location=device, weights_only=True)
    other.load_state_dict(checkpoint["model_state_dict"])
    other_optimizer.load_state_dict(checkpoint["optimizer_state_dict"])
    print(checkpoint["epoch"], checkpoint["loss"], other_optimizer.param_groups[0]["lr"], other.steps)
    set_seed(2)
    one = train(net, optimizer, 3)
    set_seed(2)
    print(one == train(other, other_optimizer, 3))
    whole = os.path.join(folder, "whole.pt")
    torch.save(nn.Linear(2, 2), whole)
    print(torch.load(whole, weights_only=False))
    partial = {k: v for k, v in net.state_dict().items() if k.startswith("fc1")}
    print(Net().load_state_dict(partial, strict=False))

before = copy.deepcopy(net.state_dict())
for p in net.fc1.parameters():
    p.requires_grad = False
train(net, optim.SGD(filter(lambda p: p.requires_grad, net.parameters()), lr=0.1), 2)
print([name for name, value in net.state_dict().items() if not torch.equal(value, before[name])])

activations = {}
handle = net.fc1.register_forward_hook(lambda module, args, output: activations.update(fc1=output.detach()))
net.eval()
net(torch.zeros(1, 6))
handle.remove()
print(activations["fc1"].shape, [type(m).__name__ for m in net.children()])

ema = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
ema.update_parameters(net)
print(ema.n_averaged.item())
accumulated, micro = nn.Linear(6, 3), torch.randn(8, 6)
for part in micro.chunk(4):
    (accumulated(part).pow(2).mean() / 4).backward()
total = accumulated.weight.grad.clone()
accumulated.zero_grad(set_to_none=True)
accumulated(micro).pow(2).mean().backward()
print(torch.allclose(total, accumulated.weight.grad), accumulated.weight.grad is not None)
with torch.random.fork_rng():
    torch.manual_seed(0)
    torch.rand(3)
start = time.perf_counter()
net(torch.zeros(4, 6))
torch.cuda.synchronize() if torch.cuda.is_available() else None
print(time.perf_counter() - start < 10)
torch.use_deterministic_algorithms(False)
torch.set_float32_matmul_precision("highest")

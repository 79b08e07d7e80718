"""Recurrent networks: a cell by hand, sequences predicted with LSTM and GRU, packed batches, clipped gradients."""
import math

import tapegrad as torch
from tapegrad import nn
from tapegrad.nn.utils import clip_grad_norm_
from tapegrad.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

torch.manual_seed(0)


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, line):
        hidden = torch.zeros(1, self.hidden_size)
        for letter in line:
            hidden = torch.tanh(self.i2h(torch.cat((letter, hidden), 1)))
        return self.softmax(self.h2o(hidden))


letters = "abcdeghijlmnoqrstuv"
names = [("aoi", 0), ("emiko", 0), ("hana", 0), ("brandt", 1), ("schmid", 1), ("holst", 1)]


def line_to_tensor(line):
    tensor = torch.zeros(len(line), 1, len(letters))
    for li, letter in enumerate(line):
        tensor[li][0][letters.find(letter)] = 1
    return tensor


rnn, criterion = RNN(len(letters), 16, 2), nn.NLLLoss()
for epoch in range(40):
    total = 0.0
    for line, kind in names:
        loss = criterion(rnn(line_to_tensor(line)), torch.tensor([kind]))
        rnn.zero_grad()
        loss.backward()
        for p in rnn.parameters():
            p.data.add_(p.grad.data, alpha=-0.1)
        total += loss.item()
print(f"names: {total:.3f}", [rnn(line_to_tensor(line)).topk(1)[1].item() for line, _ in names])

time = torch.arange(0, 120, dtype=torch.float32)
wave = torch.sin(0.2 * time) * torch.cos(0.05 * time)


class Forecast(nn.Module):
    def __init__(self, hidden=20):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, num_layers=2, batch_first=True)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, x):
        out, (h, c) = self.lstm(x)
        return self.linear(out)


net = Forecast()
windows = wave.unfold(0, 21, 5)
inputs, targets = windows[:, :-1].unsqueeze(-1), windows[:, 1:].unsqueeze(-1)
optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
for epoch in range(30):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(inputs), targets)
    loss.backward()
    norm = clip_grad_norm_(net.parameters(), max_norm=1.0)
    optimizer.step()
    if epoch % 10 == 9:
        print(f"{epoch} {loss.item():.4f} {norm.item() > 0}")

lines = [torch.randn(n, 3) for n in (5, 3, 2)]
padded = pad_sequence(lines, batch_first=True)
packed = pack_padded_sequence(padded, torch.tensor([5, 3, 2]), batch_first=True)
gru = nn.GRU(3, 4, bidirectional=True, batch_first=True)
out, h = gru(packed)
unpacked, lengths = pad_packed_sequence(out, batch_first=True)
print(unpacked.shape, lengths, h.shape, unpacked[2, 2:].abs().sum())

cell = nn.LSTMCell(3, 4)
hx, cx = torch.zeros(1, 4), torch.zeros(1, 4)
for row in lines[0]:
    hx, cx = cell(row.unsqueeze(0), (hx, cx))
print(hx.shape, (math.exp(-1) < 1), [name for name, _ in cell.named_parameters()])

seq = nn.Module()
seq.lstm1, seq.linear = nn.LSTMCell(1, 8).double(), nn.Linear(8, 1).double()
data = wave[:60].double().reshape(3, 20)


def run():
    h, c = torch.zeros(3, 8, dtype=torch.double), torch.zeros(3, 8, dtype=torch.double)
    outputs = []
    for x in data[:, :-1].split(1, dim=1):
        h, c = seq.lstm1(x, (h, c))
        outputs.append(seq.linear(h))
    return nn.functional.mse_loss(torch.cat(outputs, dim=1), data[:, 1:])


lbfgs = torch.optim.LBFGS(seq.parameters(), lr=0.5)


def closure():
    lbfgs.zero_grad()
    loss = run()
    loss.backward()
    return loss


before = run().item()
for _ in range(3):
    lbfgs.step(closure)
print(run().item() < before)

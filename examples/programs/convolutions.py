"""Convolution by hand and by layers, pooling, batch norm, a small network on made-up images, transposed convolution."""
import tapegrad as torch
import tapegrad.nn.functional as F
from tapegrad import nn


def corr2d(X, K):
    h, w = K.shape
    Y = torch.zeros((X.shape[0] - h + 1, X.shape[1] - w + 1))
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i:i + h, j:j + w] * K).sum()
    return Y


X = torch.ones((6, 8))
X[:, 2:6] = 0
K = torch.tensor([[1.0, -1.0]])
Y = corr2d(X, K)
print(Y[0], corr2d(X.t(), K).abs().sum())

torch.manual_seed(0)
conv2d = nn.LazyConv2d(1, kernel_size=(1, 2), bias=False)
X, Y = X.reshape((1, 1, 6, 8)), Y.reshape((1, 1, 6, 7))
for i in range(10):
    l = (conv2d(X) - Y) ** 2
    conv2d.zero_grad()
    l.sum().backward()
    conv2d.weight.data[:] -= 3e-2 * conv2d.weight.grad
    if (i + 1) % 5 == 0:
        print(f"epoch {i + 1}, loss {l.sum():.3f}")
print(conv2d.weight.data.reshape((1, 2)))

image = torch.arange(16, dtype=torch.float32).reshape((1, 1, 4, 4))
print(nn.MaxPool2d(3, padding=1, stride=2)(image), nn.AvgPool2d((2, 3), stride=(2, 3), padding=(0, 1))(image).shape)
print(F.conv_transpose2d(torch.tensor([[[[0.0, 1.0], [2.0, 3.0]]]]), torch.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])))


def images(n):
    """Squares and crosses, with noise."""
    labels = torch.randint(0, 2, (n,))
    pictures = 0.3 * torch.randn(n, 1, 12, 12)
    for picture, label in zip(pictures, labels):
        r, c = torch.randint(2, 8, (2,)).tolist()
        if label:
            picture[0, r:r + 3, c:c + 3] += 1
        else:
            picture[0, r + 1, c:c + 3] += 1
            picture[0, r:r + 3, c + 1] += 1
    return pictures, labels


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.MaxPool2d(2),
            nn.Conv2d(6, 12, 3), nn.BatchNorm2d(12), nn.LeakyReLU(0.1), nn.AdaptiveAvgPool2d((2, 2)))
        self.classifier = nn.Linear(12 * 4, 2)

    def forward(self, x):
        x = self.features(x)
        return self.classifier(torch.flatten(x, 1))


device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
net = Net().to(device)
print(sum(p.numel() for p in net.parameters() if p.requires_grad))
criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=0.01)
for epoch in range(4):
    net.train()
    running_loss = 0.0
    for _ in range(6):
        inputs, labels = images(32)
        inputs, labels = inputs.to(device), labels.to(device)
        optimizer.zero_grad()
        loss = criterion(net(inputs), labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    print(f"[{epoch + 1}] loss: {running_loss / 6:.3f}")
net.eval()
with torch.no_grad():
    inputs, labels = images(64)
    _, predicted = torch.max(net(inputs), 1)
    print("right:", (predicted == labels).sum().item() > 50, net.features[1].num_batches_tracked)

up = nn.Sequential(nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1), nn.Tanh(), nn.Upsample(scale_factor=2),
                   nn.ZeroPad2d(1))
print(up(torch.randn(2, 4, 5, 5)).shape)

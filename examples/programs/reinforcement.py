"""Toy environments: a policy gradient with a baseline, Q-learning from a deque of tensors, PPO's clipped objective."""
import random
from collections import deque

import tapegrad as torch
import tapegrad.nn as nn
import tapegrad.nn.functional as F
import tapegrad.optim as optim
from tapegrad.distributions import Categorical


class Corridor:
    """Five rooms; the prize is in the last one."""

    def reset(self):
        self.at, self.time = 0, 0
        return self.state()

    def state(self):
        return torch.nn.functional.one_hot(torch.tensor(self.at), 5).float()

    def step(self, action):
        self.at = max(0, min(4, self.at + (1 if action == 1 else -1)))
        self.time += 1
        done = self.at == 4 or self.time >= 20
        return self.state(), (1.0 if self.at == 4 else -0.05), done


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine = nn.Linear(5, 16)
        self.action_head = nn.Linear(16, 2)
        self.value_head = nn.Linear(16, 1)
        self.saved, self.rewards = [], []

    def forward(self, x):
        x = F.relu(self.affine(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


torch.manual_seed(543)
random.seed(1)
env, model = Corridor(), ActorCritic()
optimizer = optim.Adam(model.parameters(), lr=3e-2)
eps = torch.finfo(torch.float32).eps
running = 0.0
for episode in range(30):
    state, done = env.reset(), False
    while not done:
        probs, value = model(state)
        m = Categorical(probs)
        action = m.sample()
        model.saved.append((m.log_prob(action), value))
        state, reward, done = env.step(action.item())
        model.rewards.append(reward)
    R, returns = 0, deque()
    for reward in model.rewards[::-1]:
        R = reward + 0.99 * R
        returns.appendleft(R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    policy, values = [], []
    for (log_prob, value), R in zip(model.saved, returns):
        policy.append(-log_prob * (R - value.item()))
        values.append(F.smooth_l1_loss(value, torch.tensor([R])))
    optimizer.zero_grad()
    loss = torch.stack(policy).sum() + torch.stack(values).sum()
    loss.backward()
    optimizer.step()
    running = 0.9 * running + 0.1 * sum(model.rewards)
    del model.saved[:], model.rewards[:]
print(f"reinforce {running:.3f} {m.entropy().item():.3f}")

q, target = nn.Linear(5, 2), nn.Linear(5, 2)
target.load_state_dict(q.state_dict())
memory, optimizer = deque([], maxlen=200), optim.RMSprop(q.parameters(), lr=0.01)
for episode in range(15):
    state, done = env.reset(), False
    while not done:
        with torch.no_grad():
            best = q(state).max(0).indices.view(1, 1)
        action = best if random.random() > 0.3 else torch.tensor([[random.randrange(2)]])
        following, reward, done = env.step(action.item())
        memory.append((state.unsqueeze(0), action, None if done else following.unsqueeze(0), torch.tensor([reward])))
        state = following
        if len(memory) < 32:
            continue
        batch = [*zip(*random.sample(memory, 32))]
        mask = torch.tensor(tuple(s is not None for s in batch[2]), dtype=torch.bool)
        values = q(torch.cat(batch[0])).gather(1, torch.cat(batch[1]))
        nxt = torch.zeros(32)
        with torch.no_grad():
            nxt[mask] = target(torch.cat([s for s in batch[2] if s is not None])).max(1).values
        loss = nn.SmoothL1Loss()(values, (nxt * 0.95 + torch.cat(batch[3])).unsqueeze(1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_value_(q.parameters(), 100)
        optimizer.step()
        weights, slow = q.state_dict(), target.state_dict()
        for key in weights:
            slow[key] = weights[key] * 0.05 + slow[key] * 0.95
        target.load_state_dict(slow)
print("q-learning", q(env.reset()).argmax().item(), f"{loss.item() >= 0}")

policy = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))
states, actions = torch.eye(5).repeat(8, 1), torch.randint(0, 2, (40,))
advantages = (actions * 2 - 1).float()
with torch.no_grad():
    old = Categorical(logits=policy(states)).log_prob(actions)
optimizer = optim.Adam(policy.parameters(), lr=0.01)
for _ in range(10):
    dist = Categorical(logits=policy(states))
    ratio = (dist.log_prob(actions) - old).exp()
    clipped = torch.clamp(ratio, 0.8, 1.2)
    loss = -torch.min(ratio * advantages, clipped * advantages).mean() - 0.01 * dist.entropy().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"ppo {loss.item():.4f} {ratio.mean().item():.4f}", torch.multinomial(dist.probs[0], 3, replacement=True).shape)

"""Random streams against values recorded from PyTorch 2.13 (x86-64, glibc), and the generator's own contract."""
import pickle
import zlib

import numpy as np
import pytest

from tapegrad.machine import streams
from tapegrad.machine.streams import Generator

# A line is one call: the seed it starts from ("-": wherever the line above stopped), n, the CRC-32 of all the bytes it
# returns, the CRC-32 of the generator's state afterwards, the first and the last value, the call.
GOLDEN = """\
 0   15 85e3a51c fdf8660b           0x1.fc2abp-2          0x1.2cf118p-2 uniform(g, n, "f4")
 1  700 4d71d1df 02bc772e          0x1.83e84ap-1          0x1.b433eap-1 uniform(g, n, "f4")
 2   15 3a0de718 dfc1a047          0x1.dbd906p-1          0x1.8891bap-1 uniform(g, n, "f4", -0.3, 1.7)
 3  700 b2ccc277 9333723d         -0x1.2a77e4p-2           0x1.be23fp-4 uniform(g, n, "f4", -0.3, 1.7)
 4    1 e8950dcc 5b3e5981         -0x1.9af364p+0         -0x1.9af364p+0 normal(g, n, "f4")
 5   15 5691f87c 5da21126         -0x1.f276a8p-2          0x1.5e896cp-1 normal(g, n, "f4")
 6   16 5992645b 912e26cb         -0x1.36180ep+0         -0x1.a0c002p+0 normal(g, n, "f4")
 7   33 bab42f79 babaec98         -0x1.a3e8acp-1         -0x1.a313d4p+0 normal(g, n, "f4")
 8 1000 328628e7 9263972e         -0x1.306f86p+0         -0x1.7b5038p+1 normal(g, n, "f4")
 9    1 3cb10618 aabd8ba7          0x1.810fccp-2          0x1.810fccp-2 normal(g, n, "f4", 0.3, 1.7)
10   15 59977774 2a06c16d          -0x1.71da3p-1          0x1.4e77aep-2 normal(g, n, "f4", 0.3, 1.7)
11  100 d97bceb9 393a473c         -0x1.22ff8ap-1          0x1.d6c39ep-3 normal(g, n, "f4", 0.3, 1.7)
12    1 e93cfc19 dc2ff24d         -0x1.b5e406p-3         -0x1.b5e406p-3 normal(g, n, "f4", contiguous=False)
13   15 7099a9dc 00ff62d0          -0x1.c95b5p-4         -0x1.690afap-1 normal(g, n, "f4", contiguous=False)
14  100 01cb04b7 9f25b610         -0x1.039e34p+0          0x1.071132p-1 normal(g, n, "f4", contiguous=False)
15    1 2144df1c c30de059                 0x0p+0                 0x0p+0 normal(g, n, "f4", ramp(n, "f4"), ramp(n, "f4"))
16   15 d9aa4eab 9478d157                 0x0p+0          0x1.463214p-1 normal(g, n, "f4", ramp(n, "f4"), ramp(n, "f4"))
17  100 9a500c4c a32566d5                 0x0p+0          -0x1.759adp-1 normal(g, n, "f4", ramp(n, "f4"), ramp(n, "f4"))
18    1 e0432b58 0d53b81c          0x1.028a82p+0          0x1.028a82p+0 normal(g, n, "f4", ramp(n, "f4"), 1.7)
 0   15 af4e80e6 f6b2d30e          0x1.4f521cp+1         -0x1.c67eaep-1 normal(g, n, "f4", ramp(n, "f4"), 1.7)
 1  100 90e84bc7 255ff670         -0x1.4bf83cp+1         -0x1.fc2848p-2 normal(g, n, "f4", ramp(n, "f4"), 1.7)
 4   15 6607de32 835338de           0x1.da3efp-1          0x1.23253ap+0 exponential(g, n, "f4", 0.7)
 5  700 148df0cb 747467ee          0x1.77af6ap+0          0x1.c9b6eap+0 exponential(g, n, "f4", 0.7)
 6   15 a40e932c daf10df1          0x1.720b1ap-1          0x1.6f0d12p+0 cauchy(g, n, "f4", 0.3, 1.7)
 7  700 e70b2eb4 8f1be4f1         -0x1.1ca86ap+0          0x1.740a04p+0 cauchy(g, n, "f4", 0.3, 1.7)
 8    1 656ee549 5cefbe70          0x1.a1d416p+0          0x1.a1d416p+0 log_normal(g, n, "f4", 0.3, 0.7)
 9   15 87170c28 ee03bcc0          0x1.648deap+0          0x1.5ecae8p+0 log_normal(g, n, "f4", 0.3, 0.7)
10  100 8c0ebb33 f511d7ba          0x1.c5a926p-1          0x1.3a6ecep-1 log_normal(g, n, "f4", 0.3, 0.7)
13   15 268d4125 8a37fa96                     11                      0 multinomial(g, 9, "i8", ramp(n, "f4") + 1)
14  700 ddd489d3 e06b9cfe                    443                    250 multinomial(g, 9, "i8", ramp(n, "f4") + 1)
15   15 671c59e4 7200a473   0x1.83b91a08d9deap-2   0x1.cc2cd6c21cbbcp-1 uniform(g, n, "f8")
16  700 6932442d 55e948e1   0x1.33552a73f79dcp-2   0x1.8cd05690b0081p-1 uniform(g, n, "f8")
17   15 4450cbb4 8b1f8ce9   0x1.4bb44c3786048p-1   0x1.63a5cb00485ecp+0 uniform(g, n, "f8", -0.3, 1.7)
18  700 12a63f0e e609818d   0x1.a205d46a8a446p+0    0x1.ce405d28bb63p-1 uniform(g, n, "f8", -0.3, 1.7)
 0    1 47111c9d f49d32f5   0x1.8a7eb8902be3ap+0   0x1.8a7eb8902be3ap+0 normal(g, n, "f8")
 1   15 d8f1ddc6 bc84184b   0x1.529cc078113dap-1   0x1.b08da4573a0ddp-2 normal(g, n, "f8")
 2   16 e96304e9 0214cc4d  -0x1.927456bea661dp-1   0x1.2c57097eb7e67p-1 normal(g, n, "f8")
 3   33 4e891922 d79e53c8   -0x1.bdf3141b7769p-3   0x1.3626a043e0377p+0 normal(g, n, "f8")
 4 1000 8ecc71dc 55cecd3d   0x1.c629a5eecbf09p-1  -0x1.733ccc4ac2015p-2 normal(g, n, "f8")
 5    1 60cd6c9f 57545c7d  -0x1.0e180e1e2644bp-1  -0x1.0e180e1e2644bp-1 normal(g, n, "f8", 0.3, 1.7)
 6   15 1c25bcd3 0ec7bc02  -0x1.7178192323635p+1  -0x1.84f0ef2107d79p+0 normal(g, n, "f8", 0.3, 1.7)
 7  100 1be9ea09 2456eeff   0x1.a68efc0596b9dp-2  -0x1.9273484b4794ep+0 normal(g, n, "f8", 0.3, 1.7)
 8    1 c89c05d2 5cefbe70   0x1.15c9828a353a5p-2   0x1.15c9828a353a5p-2 normal(g, n, "f8", contiguous=False)
 9   15 28f5a534 ee03bcc0   0x1.6e68727595f52p-5   0x1.5f7fef533bfbcp-6 normal(g, n, "f8", contiguous=False)
10  100 e12a4328 f511d7ba  -0x1.33e9c182c36e4p-1  -0x1.200511eb191f2p+0 normal(g, n, "f8", contiguous=False)
11    1 6522df69 dfec328d                 0x0p+0                 0x0p+0 normal(g, n, "f8", ramp(n, "f8"), ramp(n, "f8"))
12   15 65b80894 1e53b912                 0x0p+0   0x1.94e7f2ae8243cp-3 normal(g, n, "f8", ramp(n, "f8"), ramp(n, "f8"))
13  100 67f9eb8b 6f4699a0                 0x0p+0   0x1.ea49a11df6e3ap+0 normal(g, n, "f8", ramp(n, "f8"), ramp(n, "f8"))
14    1 08b46bb0 2d38a1a0  -0x1.b959bf9c5cb39p+0  -0x1.b959bf9c5cb39p+0 normal(g, n, "f8", ramp(n, "f8"), 1.7)
15   15 faea20a3 b542fd44  -0x1.3318a2f821338p+0   0x1.ddc5917c7ec8fp+0 normal(g, n, "f8", ramp(n, "f8"), 1.7)
16  100 a4acb22d 465e610b   0x1.6b05a2e417de9p+0   0x1.38f0269acb1bdp+1 normal(g, n, "f8", ramp(n, "f8"), 1.7)
 0   15 1881c19f bcd2cc0f   0x1.40c2e15e6e9a3p+2    0x1.e0e7b3762b67p-1 exponential(g, n, "f8", 0.7)
 1  700 5aa1877c 73caa14b   0x1.709ea70a9fcb9p-4   0x1.2c12a1621c126p-2 exponential(g, n, "f8", 0.7)
 2   15 3b65ad59 9eeb0a43   0x1.addb6c9010f24p+2   0x1.d36f52cadb565p+0 cauchy(g, n, "f8", 0.3, 1.7)
 3  700 b909d49e f3e5bc4e  -0x1.f022be4619c36p+3  -0x1.01d22c9bd664ep-2 cauchy(g, n, "f8", 0.3, 1.7)
 4    1 10326869 5b3e5981   0x1.c156dfd3777f2p-2   0x1.c156dfd3777f2p-2 log_normal(g, n, "f8", 0.3, 0.7)
 5   15 449ee42b 5da21126   0x1.eb8e9dd6ce104p-1   0x1.1704dbda5f7c8p+1 log_normal(g, n, "f8", 0.3, 0.7)
 6  100 0a3eda6a 90771c52   0x1.742f86d17687dp-2   0x1.a37e3d4667d35p-1 log_normal(g, n, "f8", 0.3, 0.7)
 9   15 dd8b440d 891b1cc1                      4                      3 multinomial(g, 9, "i8", ramp(n, "f8") + 1)
10  700 747919ba 8a5ffd54                    511                    294 multinomial(g, 9, "i8", ramp(n, "f8") + 1)
11   15 f3a394be 502a0704         0x1.313b58p+21         0x1.88c468p+23 random_(g, n, "f4")
12  700 64fd3daa 97adb89c          0x1.dcdc9p+22          0x1.6a517p+21 random_(g, n, "f4")
13   15 5fd50950 bfffc1db  0x1.781529b7ab278p+52  0x1.35c8b7f3bbadbp+52 random_(g, n, "f8")
14  700 d19709cb b18c9f41  0x1.1ca6bec01313cp+52  0x1.ebf8430689176p+51 random_(g, n, "f8")
15   15 9c4ad4f8 332a0e77                    200                     17 random_(g, n, "u1")
16  700 20b356ef d8ffb415                    169                     65 random_(g, n, "u1")
17   15 94c5bc82 ca3526ed                    111                      7 random_(g, n, "i1")
18  700 16b9db82 abea9477                     42                     69 random_(g, n, "i1")
 0   15 63015146 fdf8660b                   2732                  15430 random_(g, n, "i2")
 1  700 b0cca1ff 02bc772e                  29733                   6645 random_(g, n, "i2")
 2   15 906460c3 dfc1a047             1872583848              512264917 random_(g, n, "i4")
 3  700 c5cb2d19 9333723d              218175338             1681151878 random_(g, n, "i4")
 4   15 0fad7042 835338de    8615179906827886766    3022355942278351381 random_(g, n, "i8")
 5  700 0f612f05 747467ee    4095051218741643470    4546059048447199928 random_(g, n, "i8")
 6   15 85f1615c 9bdba7f5                      0                      1 random_(g, n, "?")
 7  700 5b366d30 0fe8949d                      1                      1 random_(g, n, "?")
 8   15 0cb6a202 07011b10                 0x0p+0                 0x1p+0 bernoulli(g, n, "f4", 0.3)
 9  700 4e8fd9b9 98ccf5f7                 0x1p+0                 0x1p+0 bernoulli(g, n, "f4", 0.3)
10   15 74d21f9e bf97c619                      0                      1 bernoulli(g, n, "i8", 0.3)
11  700 38661a08 e24c577f                      1                      1 bernoulli(g, n, "i8", 0.3)
12   15 df600b7d 02399676                      0                      0 bernoulli(g, n, "?", 0.3)
13  700 954e3323 2dce255d                      0                      0 bernoulli(g, n, "?", 0.3)
14   15 18a233b2 d5a3a7b3                      2                      2 geometric(g, n, "i8", 0.3)
15  700 788f25f0 e877b83c                      3                      3 geometric(g, n, "i8", 0.3)
16   15 931c948f 96e73970                 0x1p+2                 0x1p+1 geometric(g, n, "f4", 0.3)
17  700 15cb1c01 4f5e2812               0x1.8p+1                 0x1p+0 geometric(g, n, "f4", 0.3)
18   15 37402a8f 38825e8b                      5                      4 randint(g, n, "i8", -5, 7)
 0  700 781d7576 4ff257c1                      3                      5 randint(g, n, "i8", -5, 7)
 1   15 a1212991 4c4fb648              180483115              141994738 randint(g, n, "i8", 0, 2**28 - 1)
 2  700 c9a6fe44 db73db49              261971118              242271473 randint(g, n, "i8", 0, 2**28 - 1)
 3   15 c3321f39 49f92656               35325592              236806978 randint(g, n, "i8", 0, 2**28)
 4  700 ddaea244 89da8e45              110043310              243208828 randint(g, n, "i8", 0, 2**28)
 5   15 76085c85 638da23c   -5128320818113132338    7008601228353732126 randint(g, n, "i8", -2**63, 2**63 - 1)
 6  700 9b9d1eed c95623d2    7246990587097631433    3820187109970702829 randint(g, n, "i8", -2**63, 2**63 - 1)
 7   15 f03bb8cf f4efb684    1407639518939636932    5315348148554365958 randint(g, n, "i8", -2**63, None)
 8  700 24362e01 8a2f2c6b   -2334815402550860460   -5805729113960486183 randint(g, n, "i8", -2**63, None)
 9   15 10331e4f bcd3278c     191369442034012509    3672883101989121503 randint(g, n, "i8", 1, None)
10  700 70660c14 f1bea371    5004982467132365951     474084040946546250 randint(g, n, "i8", 1, None)
11   15 0dc8ad7e 502a0704                     41                      4 randint(g, n, "u1", 0, 100)
12  700 f0d433b5 97adb89c                     63                     75 randint(g, n, "u1", 0, 100)
13   15 c13f55ad 61605321                     13                     14 randperm(g, n, "i8")
14  700 4423a4b2 e225e68f                    335                    601 randperm(g, n, "i8")
42    3 4610fbd5 dcc9db51          0x1.58c55cp-2          0x1.e02dcep-3 normal(g, n, "f4")
 -  200 c616c937 c48cd014                       71                     51 by_rate(g, ramp(n, "f8") + 1)
 -    1 55859fcc 4ae572a5   0x1.d7b8d7b0a7c22p-3   0x1.d7b8d7b0a7c22p-3 normal(g, n, "f8")
 -   16 44eb6124 0e45a987         -0x1.72e098p-2         -0x1.477b48p-2 normal(g, n, "f4", ramp(n, "f4"), 1.7)
 -   15 4f1e9d75 22816fc9              652668623             1499903110 random_(g, n, "i4")
 -   15 1a51dd15 7f0d7760         -0x1.d9c4d2p+1          0x1.a39ee2p+0 normal(g, n, "f4", ramp(n, "f4"), 1.7)
 -   16 df4bc4ad 16e5df6f          0x1.61c92cp-1          0x1.3a3d6ap+0 log_normal(g, n, "f4", 0.3, 0.7)
 -   16 58da3e43 6f559483   0x1.f8b9fd9e417d6p-1   0x1.99d88b3d5ff2ap-1 uniform(g, n, "f8")
 -    5 49f195fa b122b139          0x1.64b7b4p-2          0x1.9369cap+0 normal(g, n, "f4", contiguous=False)
 -  200 628b9844 c7a56ea4         -0x1.dbe7f8p-3         -0x1.9cf5d8p+0 normal(g, n, "f4", contiguous=False)
 -   16 cadbf267 907b4a1a         -0x1.ab6e22p-2          0x1.6581acp-2 normal(g, n, "f4", ramp(n, "f4"), 1.7)
 -   16 a56ec0c6 4ee4d8e0         -0x1.d63ffap+0          -0x1.54a88p-3 normal(g, n, "f4", ramp(n, "f4"), 1.7)
 -  200 e78a4633 1cfedf3f   0x1.4bbda780aa5dcp-1   0x1.e7bbeb2397aa1p-1 log_normal(g, n, "f8", 0.3, 0.7)
 -    2 bf6c383a 58153ff4               0x1.8p+1                 0x1p+0 geometric(g, n, "f4", 0.3)
 -    1 90c93716 6db9ebb9         -0x1.9ec9a2p-2         -0x1.9ec9a2p-2 normal(g, n, "f4", ramp(n, "f4"), 1.7)
 -    1 03e3c70a 4b52d6cf   0x1.6c0713541700ap+0   0x1.6c0713541700ap+0 log_normal(g, n, "f8", 0.3, 0.7)
 -    5 d5aefd4b f89dbd79    3680253243561263328   -4283712088148037313 randint(g, n, "i8", -2**63, None)
 -   16 2f1762f7 62a2f4a1   0x1.55f1bda85a622p+0   0x1.c3d1fe5d3de0dp-1 normal(g, n, "f8", 0.3, 1.7)
 -    5 81a11d0b 220e0150         -0x1.de77a8p-2          0x1.8ef692p-2 normal(g, n, "f4", 0.3, 1.7)
 -    5 b30ba029 3e504457  0x1.50774bb1a1a01p+52  0x1.794017b741b7cp+51 random_(g, n, "f8")
 -   31 ef279a90 6efaf862                 0x0p+0  -0x1.09c88f1e53beep+0 normal(g, n, "f8", ramp(n, "f8"), ramp(n, "f8"))
 -   16 6092631a 4c1400f5                 0x0p+0          0x1.549568p+0 normal(g, n, "f4", ramp(n, "f4"), ramp(n, "f4"))
 -   15 7de117ed 847f1cb5                  15770                  11111 random_(g, n, "i2")
 -    5 9f700464 38fdc9aa  -0x1.706c017d3eba2p+0   0x1.0171594734895p-2 normal(g, n, "f8", contiguous=False)
 -  200 5a7565c5 fa696053         -0x1.034b0ap-1          0x1.b61cc6p+0 normal(g, n, "f4")
 -    1 6522df69 9766d39c                      0                      0 bernoulli(g, n, "i8", 0.3)
"""


def ramp(n, dtype):
    return np.arange(n, dtype=dtype) / np.dtype(dtype).type(n)


def by_rate(g, weights):
    """As multinomial draws without replacement: in the order of waiting times."""
    return np.argsort(-weights / streams.exponential(g, len(weights), "f8"), kind="stable")


def exact(x):
    """A float in hexadecimal without trailing zeros, a whole number as it is."""
    if x.dtype.kind != "f":
        return str(int(x))
    digits, exponent = float(x).hex().split("p")
    return f"{digits.rstrip('0').rstrip('.')}p{exponent}"


def test_golden():
    g, names = Generator(), vars(streams) | {"ramp": ramp, "by_rate": by_rate}
    for line in GOLDEN.splitlines():
        seed, n, *recorded, call = line.split(maxsplit=6)
        if seed != "-":
            g.manual_seed(int(seed))
        x = eval(call, names | {"g": g, "n": int(n)})
        sums = [f"{zlib.crc32(b):08x}" for b in (x.tobytes(), g.get_state().tobytes())]
        assert [*sums, exact(x[0]), exact(x[-1])] == recorded, line


# seed, numbers drawn by rand and then by randn: CRC-32 of the state, its first 24 bytes, its last 40
STATES = [
    (0, 0, 0, "6d2b5ed2", "000000000000000001000000010000000000000000000000",
     "00000000000000000000000000000000000000000000000000000000000000000000000000000000"),
    (0, 1, 1, "89c6745c", "00000000000000006c020000010000000500000000000000",
     "00000000000000005d2598238745d13f000000000000000001000000000000000000000000000000"),
    (7, 623, 1, "cdb55fbb", "07000000000000006e020000010000000300000000000000",
     "000000000000000007d4df14b18ef6bf000000000000000001000000000000000000000000000000"),
    (7, 624, 0, "dfb8f71b", "070000000000000001000000010000007002000000000000",
     "00000000000000000000000000000000000000000000000000000000000000000000000000000000"),
    (7, 625, 1, "c4476177", "07000000000000006c020000010000000500000000000000",
     "0000000000000000c76591077e24efbf000000000000000001000000000000000000000000000000"),
]


@pytest.mark.parametrize("seed, uniforms, normals, crc, head, tail", STATES)
def test_state_bytes(seed, uniforms, normals, crc, head, tail):
    g = Generator().manual_seed(seed)
    streams.uniform(g, uniforms, np.float32)
    streams.normal(g, normals, np.float32)
    state = g.get_state().tobytes()
    assert (len(state), state[:24].hex(), state[-40:].hex()) == (5056, head, tail)
    assert f"{zlib.crc32(state):08x}" == crc


@pytest.mark.parametrize("before", [0, 1, 7, 623, 624, 1248])
def test_a_restored_state_goes_on_alike(before):
    g = Generator().manual_seed(3)
    g.raw(before)
    streams.normal(g, before % 4, np.float64)
    copy = g.clone_state()
    assert copy.get_state().tobytes() == g.get_state().tobytes()
    for n in (3, 0, 20, 700):
        np.testing.assert_array_equal(streams.normal(copy, n, np.float64), streams.normal(g, n, np.float64))
    assert copy.get_state().tobytes() == g.get_state().tobytes()
    assert copy.initial_seed() == 3


def test_reading_the_state_draws_nothing():
    g, other = Generator(), Generator()
    g.get_state()
    assert (g.raw(5) == other.raw(5)).all()


def test_pickle():
    g = Generator().manual_seed(1)
    streams.normal(g, 3, np.float32)
    copy = pickle.loads(pickle.dumps(g))
    np.testing.assert_array_equal(streams.normal(copy, 9, np.float32), streams.normal(g, 9, np.float32))


def test_seed_is_arbitrary():
    g = Generator()
    assert g.seed() != g.seed()
    assert 0 <= g.initial_seed() < 2**53


@pytest.mark.parametrize("seed, error, message", [
    (2**64, ValueError, "Overflow when unpacking long long"), (-2**63 - 1, ValueError, "Overflow when unpacking"),
    (1.5, RuntimeError, "manual_seed expected a long, but got float"), (True, RuntimeError, "but got bool"),
])
def test_bad_seeds(seed, error, message):
    with pytest.raises(error, match=message):
        Generator().manual_seed(seed)


def test_nothing_wanted_nothing_drawn():
    g = Generator()
    before = g.get_state().tobytes()
    for dtype in (np.float32, np.float64):
        assert streams.uniform(g, 0, dtype).dtype == streams.normal(g, 0, dtype).dtype == dtype
    assert streams.randperm(g, 0, "i8").size == streams.randint(g, 0, "i8", 0, 3).size == 0
    assert streams.randperm(g, 1, "i8").size == 1
    assert g.get_state().tobytes() == before


@pytest.mark.parametrize("n", [2, 17, 1000])
def test_randperm_is_a_permutation(n):
    assert (np.sort(streams.randperm(Generator(), n, "i8")) == np.arange(n)).all()

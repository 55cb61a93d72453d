"""SDXL's UNet and VAE decoder and the layers of two students in plain PyTorch, full size, random weights: the rivals of the model benchmarks.

The layers, their order and their shapes are those of diffusers (UNet2DConditionModel, AutoencoderKL) with the configurations of
stable-diffusion-xl-base-1.0, and of transformers with those of xlm-roberta-large and mt5-xl; only what a forward pass computes is here.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

nn.Linear.reset_parameters = nn.Conv2d.reset_parameters = lambda self: None


def randomize(model):
    """Fills every weight; norms keep theirs."""
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            fan_in = module.weight[0].numel()
            module.weight.data.uniform_(-1, 1).mul_(1 / math.sqrt(fan_in))
            if module.bias is not None:
                module.bias.data.zero_()
    return model.eval()


class Attention(nn.Module):
    def __init__(self, channels, context, head_dim, bias=False):
        super().__init__()
        self.heads = channels // head_dim
        self.to_q = nn.Linear(channels, channels, bias=bias)
        self.to_k = nn.Linear(context, channels, bias=bias)
        self.to_v = nn.Linear(context, channels, bias=bias)
        self.to_out = nn.Linear(channels, channels)

    def forward(self, x, context=None):
        context = x if context is None else context
        batch, tokens, channels = x.shape
        split = lambda t: t.view(batch, -1, self.heads, channels // self.heads).transpose(1, 2)
        q, k, v = split(self.to_q(x)), split(self.to_k(context)), split(self.to_v(context))
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = (q @ k.transpose(-1, -2) * (channels // self.heads) ** -0.5).softmax(-1) @ v
        return self.to_out(y.transpose(1, 2).reshape(batch, tokens, channels))


class TransformerBlock(nn.Module):
    def __init__(self, channels, context):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(channels), nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.attn1, self.attn2 = Attention(channels, channels, 64), Attention(channels, context, 64)
        self.proj, self.out = nn.Linear(channels, 8 * channels), nn.Linear(4 * channels, channels)

    def forward(self, x, context):
        x = x + self.attn1(self.norm1(x))
        x = x + self.attn2(self.norm2(x), context)
        value, gate = self.proj(self.norm3(x)).chunk(2, -1)
        return x + self.out(value * F.gelu(gate))


class Transformer(nn.Module):
    def __init__(self, channels, depth, context):
        super().__init__()
        self.norm = nn.GroupNorm(32, channels, 1e-6)
        self.proj_in, self.proj_out = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.blocks = nn.ModuleList(TransformerBlock(channels, context) for _ in range(depth))

    def forward(self, x, context):
        batch, channels, height, width = x.shape
        y = self.proj_in(self.norm(x).permute(0, 2, 3, 1).reshape(batch, height * width, channels))
        for block in self.blocks:
            y = block(y, context)
        return x + self.proj_out(y).reshape(batch, height, width, channels).permute(0, 3, 1, 2)


class Resnet(nn.Module):
    def __init__(self, cin, cout, time=None, eps=1e-5):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(32, cin, eps), nn.GroupNorm(32, cout, eps)
        self.conv1, self.conv2 = nn.Conv2d(cin, cout, 3, padding=1), nn.Conv2d(cout, cout, 3, padding=1)
        self.time = nn.Linear(time, cout) if time else None
        self.shortcut = nn.Conv2d(cin, cout, 1) if cin != cout else None

    def forward(self, x, act=None):
        y = self.conv1(F.silu(self.norm1(x)))
        if self.time is not None:
            y = y + self.time(act)[:, :, None, None]
        y = self.conv2(F.silu(self.norm2(y)))
        return y + (x if self.shortcut is None else self.shortcut(x))


class UNet(nn.Module):
    """SDXL base: channels 320, 640, 1280; transformer depths 0, 2, 10; cross-attention 2048."""

    def __init__(self, channels=(320, 640, 1280), depths=(0, 2, 10), context=2048, time=1280, pooled=2816):
        super().__init__()
        self.time1, self.time2 = nn.Linear(channels[0], time), nn.Linear(time, time)
        self.add1, self.add2 = nn.Linear(pooled, time), nn.Linear(time, time)
        self.conv_in, self.conv_out = nn.Conv2d(4, channels[0], 3, padding=1), nn.Conv2d(channels[0], 4, 3, padding=1)
        self.norm_out = nn.GroupNorm(32, channels[0], 1e-5)
        attend = lambda c, depth: Transformer(c, depth, context) if depth else None
        self.down, self.up, skips, c = nn.ModuleList(), nn.ModuleList(), [channels[0]], channels[0]
        for i, (width, depth) in enumerate(zip(channels, depths)):
            for _ in range(2):
                self.down.append(nn.ModuleList([Resnet(c, width, time), attend(width, depth)]))
                c = width
                skips.append(c)
            if i < len(channels) - 1:
                self.down.append(nn.ModuleList([nn.Conv2d(c, c, 3, 2, 1)]))
                skips.append(c)
        self.mid = nn.ModuleList([Resnet(c, c, time), attend(c, depths[-1]), Resnet(c, c, time)])
        for i, (width, depth) in reversed(list(enumerate(zip(channels, depths)))):
            for j in range(3):
                self.up.append(nn.ModuleList([Resnet(c + skips.pop(), width, time), attend(width, depth)]))
                c = width
            if i > 0:
                self.up.append(nn.ModuleList([nn.Conv2d(c, c, 3, padding=1)]))

    def forward(self, x, embedding, context, pooled):
        act = F.silu(self.time2(F.silu(self.time1(embedding))) + self.add2(F.silu(self.add1(pooled))))
        x = self.conv_in(x)
        skips = [x]
        for block in self.down:
            x = block[0](x) if len(block) == 1 else block[0](x, act)
            if len(block) == 2 and block[1] is not None:
                x = block[1](x, context)
            skips.append(x)
        x = self.mid[2](self.mid[1](self.mid[0](x, act), context), act)
        for block in self.up:
            if len(block) == 1:
                x = block[0](F.interpolate(x, scale_factor=2.0, mode="nearest"))
                continue
            x = block[0](torch.cat([x, skips.pop()], 1), act)
            if block[1] is not None:
                x = block[1](x, context)
        return self.conv_out(F.silu(self.norm_out(x)))


class VaeDecoder(nn.Module):
    """SDXL's VAE decoder: channels 512, 512, 256, 128, three resnets a block."""

    def __init__(self, channels=(512, 512, 256, 128)):
        super().__init__()
        c = channels[0]
        self.post_quant, self.conv_in = nn.Conv2d(4, 4, 1), nn.Conv2d(4, c, 3, padding=1)
        self.mid1, self.mid2 = Resnet(c, c, eps=1e-6), Resnet(c, c, eps=1e-6)
        self.norm, self.attention = nn.GroupNorm(32, c, 1e-6), Attention(c, c, c, bias=True)
        self.up = nn.ModuleList()
        for i, width in enumerate(channels):
            for _ in range(3):
                self.up.append(Resnet(c, width, eps=1e-6))
                c = width
            if i < len(channels) - 1:
                self.up.append(nn.Conv2d(c, c, 3, padding=1))
        self.norm_out, self.conv_out = nn.GroupNorm(32, c, 1e-6), nn.Conv2d(c, 3, 3, padding=1)

    def forward(self, x):
        x = self.mid1(self.conv_in(self.post_quant(x)))
        batch, channels, height, width = x.shape
        y = self.attention(self.norm(x).view(batch, channels, -1).transpose(1, 2))
        x = self.mid2(x + y.transpose(1, 2).reshape(x.shape))
        for block in self.up:
            x = block(x) if isinstance(block, Resnet) else block(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return self.conv_out(F.silu(self.norm_out(x)))


class BertLayer(nn.Module):
    """One of XLM-RoBERTa large's 24."""

    def __init__(self, channels=1024):
        super().__init__()
        self.attention, self.norm1, self.norm2 = Attention(channels, channels, 64, bias=True), nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.intermediate, self.output = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)

    def forward(self, x):
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.output(F.gelu(self.intermediate(x))))


class T5Block(nn.Module):
    """One of mT5-xl's 24; the bias by distance is given."""

    def __init__(self, channels=2048, heads=32, inner=5120):
        super().__init__()
        self.heads, self.norm1, self.norm2 = heads, nn.Parameter(torch.ones(channels)), nn.Parameter(torch.ones(channels))
        self.q, self.k, self.v, self.o = (nn.Linear(channels, channels, bias=False) for _ in range(4))
        self.wi_0, self.wi_1, self.wo = nn.Linear(channels, inner, bias=False), nn.Linear(channels, inner, bias=False), nn.Linear(inner, channels, bias=False)

    def forward(self, x, bias):
        batch, tokens, channels = x.shape
        split = lambda t: t.view(batch, tokens, self.heads, channels // self.heads).transpose(1, 2)
        norm = lambda gamma: gamma * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))
        h = norm(self.norm1)
        y = (split(self.q(h)) @ split(self.k(h)).transpose(-1, -2) + bias).softmax(-1) @ split(self.v(h))
        x = x + self.o(y.transpose(1, 2).reshape(batch, tokens, channels))
        h = norm(self.norm2)
        return x + self.wo(F.gelu(self.wi_0(h), approximate="tanh") * self.wi_1(h))

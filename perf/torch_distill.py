"""A step of PEA distillation in plain PyTorch: the rival of `distill_step`. A UNet of SDXL's kind with diffusers' names, made from a config.json and a
safetensors file, as teacher and as student; an adapter; the losses; autograd; AdamW.

`python3 perf/torch_distill.py --check tests/golden/unet/sdxl` compares the UNet's output and features with a golden file's.
"""
import json
import math
import pathlib
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

DTYPES = {"F32": np.float32, "F16": np.float16, "I64": np.int64, "U8": np.uint8, "BOOL": np.bool_}


def load(path):
    """Every tensor of a safetensors file; floats in single precision."""
    data = pathlib.Path(path).read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, info in json.loads(data[8:8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = (8 + size + offset for offset in info["data_offsets"])
        values = np.frombuffer(data[begin:end], DTYPES[info["dtype"]]).reshape(info["shape"]).copy()
        tensors[name] = torch.from_numpy(values.astype(np.float32) if values.dtype == np.float16 else values)
    return tensors


def sinusoid(values, dim):
    half = dim // 2
    angles = values.float()[:, None] * torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32) / half)[None]
    return torch.cat([torch.cos(angles), torch.sin(angles)], -1)


class Embedding(nn.Module):
    def __init__(self, inner, outer):
        super().__init__()
        self.linear_1, self.linear_2 = nn.Linear(inner, outer), nn.Linear(outer, outer)

    def forward(self, x):
        return self.linear_2(F.silu(self.linear_1(x)))


class Attention(nn.Module):
    def __init__(self, channels, context, heads):
        super().__init__()
        self.heads = heads
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, channels, bias=False) for width in (channels, context, context))
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x, context):
        batch, tokens, channels = x.shape
        split = lambda t: t.view(batch, -1, self.heads, channels // self.heads).transpose(1, 2)
        q, k, v = split(self.to_q(x)), split(self.to_k(context)), split(self.to_v(context))
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = (q * (channels // self.heads) ** -0.5 @ k.transpose(-1, -2)).softmax(-1) @ v
        return self.to_out[0](y.transpose(1, 2).reshape(batch, tokens, channels))


class Geglu(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.proj = nn.Linear(channels, 8 * channels)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, -1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.net = nn.ModuleList([Geglu(channels), nn.Identity(), nn.Linear(4 * channels, channels)])

    def forward(self, x):
        return self.net[2](self.net[0](x))


class TransformerBlock(nn.Module):
    def __init__(self, channels, context, heads):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(channels) for _ in range(3))
        self.attn1, self.attn2, self.ff = Attention(channels, channels, heads), Attention(channels, context, heads), FeedForward(channels)

    def forward(self, x, context):
        y = self.norm1(x)
        x = x + self.attn1(y, y)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class Transformer(nn.Module):
    def __init__(self, channels, depth, context, heads, groups):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels, 1e-6)
        self.proj_in, self.proj_out = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.transformer_blocks = nn.ModuleList(TransformerBlock(channels, context, heads) for _ in range(depth))

    def forward(self, x, context):
        batch, channels, height, width = x.shape
        y = self.proj_in(self.norm(x).permute(0, 2, 3, 1).reshape(batch, height * width, channels))
        for block in self.transformer_blocks:
            y = block(y, context)
        return x + self.proj_out(y).reshape(batch, height, width, channels).permute(0, 3, 1, 2)


class Resnet(nn.Module):
    def __init__(self, inner, outer, time, groups, eps):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(groups, inner, eps), nn.GroupNorm(groups, outer, eps)
        self.conv1, self.conv2 = nn.Conv2d(inner, outer, 3, padding=1), nn.Conv2d(outer, outer, 3, padding=1)
        self.time_emb_proj = nn.Linear(time, outer)
        self.conv_shortcut = nn.Conv2d(inner, outer, 1) if inner != outer else None

    def forward(self, x, act):
        y = self.conv1(F.silu(self.norm1(x))) + self.time_emb_proj(act)[:, :, None, None]
        y = self.conv2(F.silu(self.norm2(y)))
        return y + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class Sampler(nn.Module):
    def __init__(self, channels, stride):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride, 1)

    def forward(self, x):
        return self.conv(x if self.conv.stride == (2, 2) else F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Block(nn.Module):
    def __init__(self, resnets, attentions):
        super().__init__()
        self.resnets = nn.ModuleList(resnets)
        if attentions:
            self.attentions = nn.ModuleList(attentions)

    def layer(self, i, x, act, context):
        x = self.resnets[i](x, act)
        return self.attentions[i](x, context) if hasattr(self, "attentions") else x


class UNet(nn.Module):
    """diffusers' UNet2DConditionModel with addition_embed_type text_time."""

    def __init__(self, config):
        super().__init__()
        channels, count = config["block_out_channels"], len(config["block_out_channels"])
        groups, eps, time, context = config["norm_num_groups"], config["norm_eps"], 4 * channels[0], config["cross_attention_dim"]
        each = lambda key: config[key] if isinstance(config[key], list) else [config[key]] * count
        heads, depths, layers = each("attention_head_dim"), each("transformer_layers_per_block"), each("layers_per_block")
        self.width, self.time_width = channels[0], config["addition_time_embed_dim"]
        self.time_embedding, self.add_embedding = Embedding(channels[0], time), Embedding(config["projection_class_embeddings_input_dim"], time)
        self.conv_in, self.conv_out = nn.Conv2d(4, channels[0], 3, padding=1), nn.Conv2d(channels[0], 4, 3, padding=1)
        self.conv_norm_out = nn.GroupNorm(groups, channels[0], eps)
        resnet = lambda inner, outer: Resnet(inner, outer, time, groups, eps)
        transformer = lambda i: Transformer(channels[i], depths[i], context, heads[i], groups)
        self.down_blocks, self.up_blocks, skips, c = nn.ModuleList(), nn.ModuleList(), [channels[0]], channels[0]
        for i, kind in enumerate(config["down_block_types"]):
            block = Block([resnet(c if j == 0 else channels[i], channels[i]) for j in range(layers[i])], [transformer(i) for _ in range(layers[i])] if "Cross" in kind else [])
            c = channels[i]
            skips += [c] * layers[i]
            if i < count - 1:
                block.downsamplers = nn.ModuleList([Sampler(c, 2)])
                skips.append(c)
            self.down_blocks.append(block)
        self.mid_block = Block([resnet(c, c), resnet(c, c)], [transformer(count - 1)])
        for i in reversed(range(count)):
            resnets = []
            for _ in range(layers[i] + 1):
                resnets.append(resnet(c + skips.pop(), channels[i]))
                c = channels[i]
            block = Block(resnets, [transformer(i) for _ in resnets] if "Cross" in config["up_block_types"][count - 1 - i] else [])
            if i > 0:
                block.upsamplers = nn.ModuleList([Sampler(c, 1)])
            self.up_blocks.append(block)

    def forward(self, x, timestep, context, pooled, time_ids):
        """The prediction and every block's output."""
        times = sinusoid(time_ids.flatten(), self.time_width).view(len(x), -1)
        act = F.silu(self.time_embedding(sinusoid(timestep, self.width)) + self.add_embedding(torch.cat([pooled, times], 1)))
        x = self.conv_in(x)
        skips, features = [x], []
        for block in self.down_blocks:
            for i in range(len(block.resnets)):
                x = block.layer(i, x, act, context)
                skips.append(x)
            if hasattr(block, "downsamplers"):
                x = block.downsamplers[0](x)
                skips.append(x)
            features.append(x)
        x = self.mid_block.resnets[1](self.mid_block.layer(0, x, act, context), act)
        features.append(x)
        for block in self.up_blocks:
            for i in range(len(block.resnets)):
                x = block.layer(i, torch.cat([x, skips.pop()], 1), act, context)
            if hasattr(block, "upsamplers"):
                x = block.upsamplers[0](x)
            features.append(x)
        return self.conv_out(F.silu(self.conv_norm_out(x))), features


def load_unet(folder):
    folder = pathlib.Path(folder)
    unet = UNet(json.loads((folder / "config.json").read_text()))
    unet.load_state_dict(load(folder / "diffusion_pytorch_model.safetensors"))
    return unet.eval().requires_grad_(False)


class Adapter(nn.Module):
    """projector.0, projector.2, … and fc, of a file's own shapes."""

    def __init__(self, tensors):
        super().__init__()
        linear = lambda key: nn.Linear(*reversed(tensors[key + ".weight"].shape), bias=key + ".bias" in tensors)
        self.layernorm = nn.LayerNorm(len(tensors["layernorm.weight"]))
        keys = sorted({key.rsplit(".", 1)[0] for key in tensors if key.startswith("projector.")}, key=lambda key: int(key.split(".")[1]))
        self.projector = nn.Sequential(*(module for key in keys for module in (linear(key), nn.GELU())))[:-1]
        self.fc = linear("fc")
        self.load_state_dict(tensors)

    def forward(self, hidden):
        x = self.projector(self.layernorm(hidden))
        return self.fc(F.gelu(x)), x.mean(1)


def distill_step(unet_folder, adapter_file, batch, size, tokens, feature_weight):
    """What one step does, as a function without arguments."""
    unet, adapter = load_unet(unet_folder), Adapter(load(adapter_file))
    optimizer = torch.optim.AdamW(adapter.parameters(), 3e-4, weight_decay=0.0)
    context, pooled = adapter.fc.out_features, adapter.fc.in_features
    x, timestep, hidden = torch.randn(batch, 4, size, size), torch.randint(1000, (batch,)), torch.randn(batch, tokens, adapter.layernorm.weight.numel())
    sequence, embedding, time_ids = torch.randn(batch, tokens, context), torch.randn(batch, pooled), torch.full((batch, 6), 64.0)

    def run():
        with torch.no_grad():
            target, features = unet(x, timestep, sequence, embedding, time_ids)
        prediction, own = unet(x, timestep, *adapter(hidden), time_ids)
        loss = F.mse_loss(prediction, target) + feature_weight * sum(F.mse_loss(a, b) for a, b in zip(own, features))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(adapter.parameters(), 1.0)
        optimizer.step()

    return run


def check(folder):
    io = load(pathlib.Path(folder) / "io.safetensors")
    unet = load_unet(folder)
    for run in sorted({key.split(".")[0] for key in io if key.endswith(".sample")}):
        of = lambda name: io[f"{run}.{name}"]
        with torch.no_grad():
            output, features = unet(of("sample"), of("timestep"), of("encoder_hidden_states"), of("text_embeds"), of("time_ids"))
        names = [f"d{i}" for i in range(len(unet.down_blocks))] + ["m"] + [f"u{i}" for i in range(len(unet.up_blocks))]
        for name, actual, expected in [("output", output, of("output"))] + [(name, feature, of(f"feature.{name}")) for name, feature in zip(names, features)]:
            error = ((actual - expected).abs().max() / expected.abs().max()).item()
            print(f"{run}.{name}: {error:.2g} of the largest value")
            if error > 1e-4:
                sys.exit(1)


if __name__ == "__main__":
    check(sys.argv[sys.argv.index("--check") + 1])

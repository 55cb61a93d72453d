"""PyTorch's side of the benchmarks. Run by PeaEngine.Perf: python3 torch_rival.py THREADS

One JSON object a line. On start it says what it is: {"torch": .., "config": .., "blas": ..}. Then it is asked
  {"set": OP, "arguments": {..}}  -> {"ok": true, "note": which way was the fastest} or {"ok": false, "note": why not}
  {"run": COUNT, "warm": BOOL}    -> {"seconds": time of COUNT runs, after one that is not counted unless all is warm}
An op is a function below. It gives one way to compute it or several by name; the fastest of them is the one that is timed.
"""
import json
import math
import os
import sys
import time

import torch
import torch.nn.functional as F

import torch_distill
import torch_models

BOTH_LAYOUTS = {"channels first": torch.contiguous_format, "channels last": torch.channels_last}


def linear(rows, ins, outs, weight_bits):
    x, w, b = torch.randn(rows, ins), torch.randn(outs, ins), torch.randn(outs)
    return lambda: F.linear(x, w, b)


def geglu(rows, ins, outs):
    x, w, b = torch.randn(rows, ins), torch.randn(2 * outs, ins), torch.randn(2 * outs)

    def run():
        values, gates = F.linear(x, w, b).chunk(2, dim=-1)
        return values * F.gelu(gates)

    return run


def conv2d(size, ins, outs, kernel):
    def way(layout):
        x = torch.randn(1, ins, size, size).contiguous(memory_format=layout)
        w = torch.randn(outs, ins, kernel, kernel).contiguous(memory_format=layout)
        b = torch.randn(outs)
        return lambda: F.conv2d(x, w, b, padding=kernel // 2)

    return {name: way(layout) for name, layout in BOTH_LAYOUTS.items()}


def attention(queries, keys, heads, depth):
    scale = 1 / math.sqrt(depth)
    q, k, v = torch.randn(1, queries, heads * depth), torch.randn(1, keys, heads * depth), torch.randn(1, keys, heads * depth)
    none = torch.empty(1)

    def split(x):
        return x.view(1, -1, heads, depth).transpose(1, 2).reshape(heads, -1, depth)

    def merge(x):
        return x.view(1, heads, queries, depth).transpose(1, 2).reshape(1, queries, heads * depth)

    def whole():
        scores = torch.baddbmm(none.expand(heads, queries, keys), split(q), split(k).transpose(1, 2), beta=0, alpha=scale)
        return merge(torch.bmm(torch.softmax(scores, dim=-1), split(v)))

    def blocks(block):
        # The scores of a block of queries of one head stay in the cache.
        def run():
            qs, ks, vs, y = split(q) * scale, split(k), split(v), torch.empty(heads, queries, depth)
            for h in range(heads):
                for i in range(0, queries, block):
                    torch.mm(torch.softmax(torch.mm(qs[h, i:i + block], ks[h].t()), dim=-1), vs[h], out=y[h, i:i + block])
            return merge(y)

        return run

    ways = {"baddbmm, softmax, bmm": whole}
    ways.update({f"the same by head and {block} queries": blocks(block) for block in (128, 256, 1024) if block <= queries})
    if hasattr(F, "scaled_dot_product_attention"):
        ways["scaled_dot_product_attention"] = lambda: F.scaled_dot_product_attention(
            *(x.view(1, -1, heads, depth).transpose(1, 2) for x in (q, k, v))).transpose(1, 2).reshape(1, queries, heads * depth)
    return ways


def group_norm(size, channels):
    gamma, beta = torch.randn(channels), torch.randn(channels)

    def way(layout):
        x = torch.randn(1, channels, size, size).contiguous(memory_format=layout)
        return lambda: F.silu(F.group_norm(x, 32, gamma, beta), inplace=True)

    return {name: way(layout) for name, layout in BOTH_LAYOUTS.items()}


def layer_norm(rows, channels):
    x, gamma, beta = torch.randn(rows, channels), torch.randn(channels), torch.randn(channels)
    return lambda: F.layer_norm(x, (channels,), gamma, beta)


def rms_norm(rows, channels):
    x, gamma = torch.randn(rows, channels), torch.randn(channels)
    return lambda: gamma * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


def activate(count, activation):
    x = 4 * torch.randn(count)
    return [
        lambda: x.clone(),
        lambda: F.silu(x),
        lambda: F.gelu(x),
        lambda: F.gelu(x, approximate="tanh"),
        lambda: x * torch.sigmoid(1.702 * x),
    ][activation]


def combine(count, terms):
    x = [torch.randn(count) for _ in range(terms)]

    def run():
        y = 0.5 * x[0]
        for i in range(1, terms):
            y.add_(x[i], alpha=0.5 * (i + 1))
        return y

    return run


def blend(count):
    a, b, mask = torch.randn(count), torch.randn(count), torch.rand(count)
    return {"lerp": lambda: torch.lerp(a, b, mask), "products": lambda: a * (1 - mask) + b * mask}


def concat(rows, first, second):
    a, b = torch.randn(rows, first), torch.randn(rows, second)
    return lambda: torch.cat([a, b], dim=-1)


def copy(count, from_bits, to_bits):
    types = {16: torch.float16, 32: torch.float32}
    x = torch.randn(count).to(types[from_bits])
    return lambda: x.to(types[to_bits], copy=True)


def to_channels_last(size, channels):
    x = torch.randn(1, channels, size, size)
    return lambda: x.permute(0, 2, 3, 1).contiguous()


def to_channels_first(size, channels):
    x = torch.randn(1, size, size, channels)
    return lambda: x.permute(0, 3, 1, 2).contiguous()


def rescale_guidance(batch, size, channels):
    noise, text = torch.randn(batch, channels, size, size), torch.randn(batch, channels, size, size)

    def run():
        std_text = text.std(dim=(1, 2, 3), keepdim=True)
        std_noise = noise.std(dim=(1, 2, 3), keepdim=True)
        return 0.7 * (noise * (std_text / std_noise)) + 0.3 * noise

    return run


def embedding(batch, tokens, channels):
    table, positions = torch.randn(49408, channels), torch.randn(tokens, channels)
    ids = (torch.arange(batch * tokens) * 7919 % 49408).view(batch, tokens)
    return lambda: F.embedding(ids, table) + positions


def mean_tokens(tokens, channels):
    x = torch.randn(1, tokens, channels)
    return lambda: x.mean(1)


def timestep_embedding(batch, channels):
    values, half = 999 * torch.rand(batch), channels // 2

    def run():
        angles = values[:, None] * torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32) / half)[None]
        return torch.cat([torch.cos(angles), torch.sin(angles)], dim=-1)

    return run


def linear_backward(rows, ins, outs):
    dy, w = torch.randn(rows, outs), torch.randn(outs, ins)
    return lambda: torch.mm(dy, w)


def linear_weight_backward(rows, ins, outs):
    x, dy, dw = torch.randn(rows, ins), torch.randn(rows, outs), torch.zeros(outs, ins)
    return lambda: dw.addmm_(dy.t(), x)


def conv2d_gradient(size, ins, outs, stride, mask):
    def way(layout):
        x = torch.randn(1, ins, size, size).contiguous(memory_format=layout)
        w = torch.randn(outs, ins, 3, 3).contiguous(memory_format=layout)
        dy = torch.randn(1, outs, size // stride, size // stride).contiguous(memory_format=layout)
        return lambda: torch.ops.aten.convolution_backward(dy, x, w, None, [stride] * 2, [1, 1], [1, 1], False, [0, 0], 1, mask)

    return {name: way(layout) for name, layout in BOTH_LAYOUTS.items()}


def conv2d_backward(size, ins, outs, stride):
    return conv2d_gradient(size, ins, outs, stride, [True, False, False])


def conv2d_weight_backward(size, ins, outs):
    return conv2d_gradient(size, ins, outs, 1, [False, True, False])


@torch.inference_mode(False)
def attention_backward(batch, queries, keys, heads, depth):
    scale, leaf = 1 / math.sqrt(depth), {"requires_grad": True}
    q = torch.randn(batch, queries, heads * depth, **leaf)
    k, v = torch.randn(batch, keys, heads * depth, **leaf), torch.randn(batch, keys, heads * depth, **leaf)
    dy = torch.randn(batch, queries, heads * depth)

    def split(x):
        return x.view(batch, -1, heads, depth).transpose(1, 2)

    def merge(x):
        return x.transpose(1, 2).reshape(batch, queries, heads * depth)

    def way(forward):
        # The weights stay in memory between forward and backward, as they do in training.
        y = merge(forward(split(q), split(k), split(v)))
        return lambda: torch.autograd.grad(y, (q, k, v), dy, retain_graph=True)

    ways = {"matmul, softmax, matmul": way(lambda q, k, v: torch.softmax(q @ k.transpose(-1, -2) * scale, dim=-1) @ v),
            "scaled queries first": way(lambda q, k, v: torch.softmax((q * scale) @ k.transpose(-1, -2), dim=-1) @ v)}
    if hasattr(F, "scaled_dot_product_attention"):
        ways["scaled_dot_product_attention"] = way(F.scaled_dot_product_attention)
    return ways


def resize_backward(size, channels):
    def way(layout):
        dy = torch.randn(1, channels, 2 * size, 2 * size).contiguous(memory_format=layout)
        return lambda: torch.ops.aten.upsample_nearest2d_backward(dy, [2 * size] * 2, [1, channels, size, size])

    return {name: way(layout) for name, layout in BOTH_LAYOUTS.items()}


def sum_tokens(tokens, channels):
    x = torch.randn(1, tokens, channels)
    return lambda: x.sum(1)


def group_norm_backward(size, channels):
    gamma, beta = torch.randn(channels), torch.randn(channels)

    def way(layout):
        x = torch.randn(1, channels, size, size).contiguous(memory_format=layout)
        dy = torch.randn(1, channels, size, size).contiguous(memory_format=layout)
        z, mean, rstd = torch.native_group_norm(x, gamma, beta, 1, channels, size * size, 32, 1e-5)

        def run():
            dz = torch.ops.aten.silu_backward(dy, z)
            return torch.ops.aten.native_group_norm_backward(dz, x, mean, rstd, gamma, 1, channels, size * size, 32, [True, False, False])

        return run

    return {name: way(layout) for name, layout in BOTH_LAYOUTS.items()}


def layer_norm_backward(rows, channels):
    x, dy, gamma, beta = torch.randn(rows, channels), torch.randn(rows, channels), torch.randn(channels), torch.randn(channels)
    _, mean, rstd = torch.native_layer_norm(x, [channels], gamma, beta, 1e-5)
    return lambda: torch.ops.aten.native_layer_norm_backward(dy, x, [channels], mean, rstd, gamma, beta, [True, True, True])


def activate_backward(count, activation):
    x, dy = 4 * torch.randn(count), torch.randn(count)

    def quick_gelu():
        sigmoid = torch.sigmoid(1.702 * x)
        return dy * sigmoid * (1 + 1.702 * x * (1 - sigmoid))

    return [
        lambda: dy.clone(),
        lambda: torch.ops.aten.silu_backward(dy, x),
        lambda: torch.ops.aten.gelu_backward(dy, x),
        lambda: torch.ops.aten.gelu_backward(dy, x, approximate="tanh"),
        quick_gelu,
    ][activation]


def gate_backward(rows, features):
    h, dy = 4 * torch.randn(rows, 2 * features), torch.randn(rows, features)

    def run():
        values, gates = h.chunk(2, dim=-1)
        return torch.cat([dy * F.gelu(gates), torch.ops.aten.gelu_backward(dy * values, gates)], dim=-1)

    return run


def split(rows, first, second):
    x = torch.randn(rows, first + second)
    return lambda: [part.contiguous() for part in x.split([first, second], dim=-1)]


def rms_norm_backward(rows, channels):
    x, dy, gamma, dgamma = torch.randn(rows, channels), torch.randn(rows, channels), torch.randn(channels), torch.zeros(channels)
    rstd = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)

    def run():
        normal, d = x * rstd, dy * gamma
        dgamma.add_((dy * normal).sum(0))
        return rstd * (d - normal * (d * normal).mean(-1, keepdim=True))

    return run


def embedding_backward(batch, tokens, channels):
    table, dy = torch.zeros(49408, channels), torch.randn(batch * tokens, channels)
    ids = torch.arange(batch * tokens) * 7919 % 49408
    return lambda: table.index_add_(0, ids, dy)


def mean_tokens_backward(tokens, channels):
    dy = torch.randn(1, channels)
    return lambda: (dy / tokens)[:, None].expand(1, tokens, channels).contiguous()


def squared_error(batch, size, channels):
    a, b = torch.randn(batch, size * size * channels), torch.randn(batch, size * size * channels)
    return {"mse_loss": lambda: F.mse_loss(a, b, reduction="none").mean(1), "products": lambda: (a - b).square_().mean(1)}


def squared_error_backward(batch, size, channels):
    a, b, scale = torch.randn(batch, size * size * channels), torch.randn(batch, size * size * channels), torch.randn(batch, 1)
    return lambda: (a - b).mul_(scale * (2 / a.shape[1]))


def adam_w(count):
    parameter = torch.nn.Parameter(torch.randn(count))
    parameter.grad = torch.randn(count)
    optimizer = torch.optim.AdamW([parameter], lr=1e-4)
    return optimizer.step


def adam_w_factors(count):
    norms = list(torch.rand(count))
    return lambda: torch.clamp(1.0 / (torch.linalg.vector_norm(torch.stack(norms)) + 1e-6), max=1.0)


def sum_errors(rows, count):
    errors, samples, terms = torch.randn(rows, count), torch.rand(count, dtype=torch.double), torch.rand(rows, dtype=torch.double)
    return lambda: terms @ (errors.double() @ samples)


def sum_squares(count):
    x = torch.randn(count)
    return {"norm": lambda: torch.linalg.vector_norm(x), "dot": lambda: torch.dot(x, x)}


def normals(count):
    y = torch.empty(count)
    return {"normal_": lambda: y.normal_()}


def unet(size, tokens):
    model = torch_models.randomize(torch_models.UNet())
    x, embedding, context, pooled = torch.randn(1, 4, size, size), torch.randn(1, 320), torch.randn(1, tokens, 2048), torch.randn(1, 2816)
    return in_layouts(model, x, embedding, context, pooled)


def vae_decode(size):
    return in_layouts(torch_models.randomize(torch_models.VaeDecoder()), torch.randn(1, 4, size, size))


def xlm_roberta_large(tokens):
    layers = [torch_models.randomize(torch_models.BertLayer()) for _ in range(24)]
    start = torch.randn(1, tokens, 1024)

    def run():
        x = start
        for layer in layers:
            x = layer(x)
        return x

    return run


def mt5_xl(tokens):
    blocks = [torch_models.randomize(torch_models.T5Block()) for _ in range(24)]
    start, bias = torch.randn(1, tokens, 2048), torch.randn(1, 32, tokens, tokens)

    def run():
        x = start
        for block in blocks:
            x = block(x, bias)
        return x

    return run


@torch.inference_mode(False)
def distill_step(batch, size, tokens):
    samples = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "samples", "emoji")
    run = torch_distill.distill_step(os.path.join(samples, "teacher", "unet"), os.path.join(samples, "initial-adapter.safetensors"), batch, size, tokens, 1e-4)
    return torch.inference_mode(False)(torch.enable_grad()(run))


def in_layouts(model, x, *others):
    """A model in whichever layout of convolutions is faster, tried once each."""
    def way(layout):
        model.to(memory_format=layout)
        y = x.contiguous(memory_format=layout)
        model(y, *others)
        start = time.perf_counter()
        model(y, *others)
        return time.perf_counter() - start

    layout = min(BOTH_LAYOUTS, key=lambda name: way(BOTH_LAYOUTS[name]))
    model.to(memory_format=BOTH_LAYOUTS[layout])
    y = x.contiguous(memory_format=BOTH_LAYOUTS[layout])
    return {layout: lambda: model(y, *others)}


def seconds(run, count, warm=False):
    if not warm:
        run()
    start = time.perf_counter()
    for _ in range(count):
        run()
    return time.perf_counter() - start


def fastest(ways):
    """The name of the fastest way and the way itself."""
    if callable(ways):
        return "", ways
    if len(ways) == 1:
        return next(iter(ways.items()))
    times = {}
    for name, run in ways.items():
        once = seconds(run, 1)
        count = int(0.1 / once)
        times[name] = min(seconds(run, count) / count for _ in range(3)) if count > 1 else once
    name = min(times, key=times.get)
    return name, ways[name]


def blas():
    """The BLAS library in this process, where it is a file of its own."""
    torch.mm(torch.ones(8, 8), torch.ones(8, 8))
    with open("/proc/self/maps") as maps:
        files = {line.split()[-1] for line in maps if "/" in line and any(name in line for name in ("blas", "libmkl", "libblis"))}
    return ", ".join(sorted({os.path.realpath(file) for file in files})) or "built in"


def main():
    torch.set_num_threads(int(sys.argv[1]))
    # Some BLAS libraries print to stdout; the answers go where stdout was.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    answers.write(json.dumps({"torch": torch.__version__, "config": torch.__config__.show(), "blas": blas()}) + "\n")
    run = None
    with torch.inference_mode():
        for line in sys.stdin:
            request = json.loads(line)
            if "set" in request:
                run = None
                op = globals().get(request["set"])
                if op is None:
                    answers.write(json.dumps({"ok": False, "note": f"no {request['set']} in torch_rival.py"}) + "\n")
                    continue
                note, run = fastest(op(**request["arguments"]))
                answers.write(json.dumps({"ok": True, "note": note}) + "\n")
            else:
                answers.write(json.dumps({"seconds": seconds(run, request["run"], request["warm"])}) + "\n")


if __name__ == "__main__":
    main()

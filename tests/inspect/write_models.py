#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes valid model files of many kinds: for the comparison with other parsers, and as the first
corpus of the fuzzers. The same seed makes the same bytes.

usage: write_models.py gguf|safetensors FOLDER [SEED]
"""

import json
import pathlib
import random
import struct
import sys

UINT8, INT8, UINT16, INT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64, INT64, FLOAT64 = \
    range(13)
SCALARS = {UINT8: 'B', INT8: 'b', UINT16: 'H', INT16: 'h', UINT32: 'I', INT32: 'i', FLOAT32: 'f',
           BOOL: 'B', UINT64: 'Q', INT64: 'q', FLOAT64: 'd'}

# number: (how many numbers make a block, its size in bytes), of every type with a known size.
GGML_TYPES = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    9: (32, 36), 10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    15: (256, 292), 16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18),
    21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8),
    28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17), 40: (64, 36),
    41: (128, 18),
}

SAFETENSORS_BITS = {
    'BOOL': 8, 'U8': 8, 'I8': 8, 'U16': 16, 'I16': 16, 'F16': 16, 'BF16': 16, 'U32': 32, 'I32': 32,
    'F32': 32, 'U64': 64, 'I64': 64, 'F64': 64, 'F8_E4M3': 8, 'F8_E5M2': 8, 'F8_E8M0': 8, 'F4': 4,
    'F6_E2M3': 6, 'F6_E3M2': 6, 'C64': 64,
}


class Gguf:
    """A GGUF file as it is put together."""

    def __init__(self, version=3, order='<', alignment=None):
        self.version, self.order, self.alignment = version, order, alignment or 32
        self.keys, self.tensors, self.end = [], [], 0
        if alignment is not None:
            self.add('general.alignment', UINT32, alignment)

    def pack(self, code, *values):
        return struct.pack(self.order + code, *values)

    def text(self, text):
        data = text.encode() if isinstance(text, str) else text
        return self.pack('Q', len(data)) + data

    def value(self, kind, value):
        if kind == STRING:
            return self.text(value)
        if kind == ARRAY:
            inner, items = value
            return self.pack('IQ', inner, len(items)) + b''.join(self.value(inner, item)
                                                                 for item in items)
        return self.pack(SCALARS[kind], value)

    def add(self, key, kind, value):
        self.keys.append(self.text(key) + self.pack('I', kind) + self.value(kind, value))
        return self

    def describe(self, architecture='llama', file_type=None, **figures):
        self.add('general.architecture', STRING, architecture)
        self.add('general.name', STRING, f'A {architecture} — test')
        if file_type is not None:
            self.add('general.file_type', UINT32, file_type)
        for key, value in figures.items():
            self.add(f'{architecture}.{key}', UINT32, value)
        return self

    def tensor(self, name, kind, *shape, gap=0):
        block, size = GGML_TYPES[kind]
        n_elements = 1
        for length in shape:
            n_elements *= length
        offset = -(-self.end // self.alignment) * self.alignment + gap * self.alignment
        self.tensors.append(self.text(name) + self.pack('I', len(shape))
                            + b''.join(self.pack('Q', length) for length in shape)
                            + self.pack('IQ', kind, offset))
        self.end = offset + n_elements // block * size
        return self

    def build(self, tail=0):
        head = b'GGUF' + self.pack('IQQ', self.version, len(self.tensors), len(self.keys))
        head += b''.join(self.keys) + b''.join(self.tensors)
        if self.end:
            head += bytes(-len(head) % self.alignment + self.end)
        return head + bytes(tail)


def all_values(file):
    """A key of each type, and an array of each."""
    for kind, code in SCALARS.items():
        value = 1.5 if code in 'fd' else 1
        file.add(f'scalar.{kind}', kind, value)
        file.add(f'array.{kind}', ARRAY, (kind, [value] * 3))
        file.add(f'empty.{kind}', ARRAY, (kind, []))
    for kind in (INT8, INT16, INT32, INT64):
        file.add(f'negative.{kind}', kind, -1)
    file.add('text', STRING, 'größer')
    file.add('text.empty', STRING, '')
    return file.add('texts', ARRAY, (STRING, ['', 'a', 'bc']))


def nested(depth):
    """Arrays in arrays, @depth deep."""
    value = (UINT8, [1, 2, 3])
    for _ in range(depth - 1):
        value = (ARRAY, [value, value])
    return value


def vocabulary(file, n):
    file.add('tokenizer.ggml.tokens', ARRAY, (STRING, [f'token {i}' for i in range(n)]))
    file.add('tokenizer.ggml.scores', ARRAY, (FLOAT32, [float(i) for i in range(n)]))
    return file.add('tokenizer.chat_template', STRING, '{{ message }}' * 10000)


def random_gguf(generator):
    """A file like any."""
    file = Gguf(generator.choice((2, 3)), alignment=generator.choice((None, 8, 16, 64, 128)))
    file.describe(generator.choice(('llama', 'qwen3', 'gemma3', 'bert', 'mamba')),
                  generator.choice((None, *range(4), *range(7, 33), *range(36, 41))),
                  context_length=generator.randrange(1, 1 << 20),
                  block_count=generator.randrange(1, 100),
                  embedding_length=generator.randrange(1, 1 << 14))
    all_values(file)
    for i in range(generator.randrange(1, 60)):
        kind = generator.choice(list(GGML_TYPES))
        block = GGML_TYPES[kind][0]
        shape = [block * generator.randrange(1, 3)]
        shape += [generator.randrange(1, 4) for _ in range(generator.randrange(4))]
        file.tensor(f'blk.{i}.weight', kind, *shape)
    return file.build(tail=generator.choice((0, 0, 5, 31)))


def gguf_files(seed=1):
    """Returns {name: bytes}."""
    generator = random.Random(seed)
    files = {
        'nothing-v3': Gguf().build(),
        'nothing-v2': Gguf(2).build(),
        'no-tensors': Gguf().describe(file_type=1, context_length=4096).build(),
        'v2': Gguf(2).describe('gpt2', 0, context_length=1024).tensor('a', 0, 7, 3).build(),
        'big-endian': all_values(Gguf(order='>').describe('llama', 2, context_length=8192,
                                                          block_count=2, embedding_length=64))
        .tensor('a', 2, 64, 3).build(),
        'all-values': all_values(Gguf().describe()).tensor('a', 0, 5).build(),
        'nested': Gguf().describe().add('deep', ARRAY, nested(4)).add('flat', ARRAY, nested(2))
        .tensor('a', 24, 1).build(),
        'figures-first': Gguf().add('qwen3.context_length', UINT64, 1 << 20)
        .add('llama.context_length', UINT32, 7).add('qwen3.block_count', UINT16, 36)
        .add('qwen3.embedding_length', INT32, 4096).describe('qwen3').tensor('a', 1, 2).build(),
        'no-file-type': Gguf().describe().tensor('a', 0, 9).tensor('b', 12, 512, 4).build(),
        'dimensions': Gguf().describe().tensor('a', 0, 2).tensor('b', 0, 2, 3)
        .tensor('c', 0, 2, 3, 4).tensor('d', 0, 2, 3, 4, 5).build(),
        'empty-tensor': Gguf().describe().tensor('a', 0, 0).tensor('b', 0, 4, 0, 2)
        .tensor('c', 0, 3).build(),
        'shard': Gguf().describe(block_count=80).add('split.no', UINT16, 0)
        .add('split.count', UINT16, 5).add('split.tensors.count', INT32, 9)
        .tensor('a', 8, 32).build(),
        'long-header': vocabulary(Gguf().describe('llama', 15, context_length=131072), 9000)
        .tensor('a', 14, 256, 2).build(),
        'many-tensors': many_tensors(900),
        'gaps-and-tail': Gguf().describe().tensor('a', 0, 3).tensor('b', 0, 3, gap=4).build(tail=77),
        'other-letters': Gguf().describe('モデル').tensor('тензор', 0, 3).build(),
    }
    for alignment in (1, 8, 16, 64, 4096):
        files[f'alignment-{alignment}'] = (Gguf(alignment=alignment).describe().tensor('a', 24, 3)
                                           .tensor('b', 24, 5).build())
    for kind, (block, _) in GGML_TYPES.items():
        files[f'type-{kind}'] = Gguf().describe().tensor('a', kind, block * 2, 3).build()
    for i in range(12):
        files[f'random-{i}'] = random_gguf(generator)
    return files


def many_tensors(n):
    file = Gguf().describe('llama', 7, block_count=n // 9)
    for i in range(n):
        file.tensor(f'blk.{i // 9}.part_{i % 9}.weight', 8, 32, 1 + i % 3)
    return file.build()


def safetensors(tensors, metadata=None, padding=True, shuffle=None, **how):
    """@tensors are (name, dtype, shape); @shuffle puts the entries in another order than the data.
    """
    entries, end = [], 0
    for name, dtype, shape in tensors:
        n_bits = SAFETENSORS_BITS[dtype]
        for length in shape:
            n_bits *= length
        entries.append((name, {'dtype': dtype, 'shape': shape,
                               'data_offsets': [end, end + n_bits // 8]}))
        end += n_bits // 8
    if shuffle is not None:
        shuffle.shuffle(entries)
    if metadata is not None:
        entries.insert(0, ('__metadata__', metadata))
    head = json.dumps(dict(entries), **how).encode()
    if padding:
        head += b' ' * (-len(head) % 8)
    return struct.pack('<Q', len(head)) + head + bytes(end)


def random_safetensors(generator):
    tensors = []
    for i in range(generator.randrange(1, 80)):
        shape = [8 * generator.randrange(3)] if generator.random() < 0.1 else [8]
        shape += [generator.randrange(1, 5) for _ in range(generator.randrange(4))]
        tensors.append((f'model.layers.{i}.weight', generator.choice(list(SAFETENSORS_BITS)), shape))
    return safetensors(tensors, {'format': 'pt'} if generator.random() < 0.5 else None,
                       shuffle=generator if generator.random() < 0.5 else None,
                       ensure_ascii=generator.random() < 0.5,
                       indent=generator.choice((None, None, 1)))


def safetensors_files(seed=1):
    """Returns {name: bytes}."""
    generator = random.Random(seed)
    files = {
        'nothing': safetensors([]),
        'metadata-only': safetensors([], {'format': 'pt', 'modelspec.title': 'A title',
                                          'modelspec.architecture': 'flux-1-dev'}),
        'scalar': safetensors([('a', 'F32', [])]),
        'empty': safetensors([('a', 'F32', [0]), ('b', 'F32', [2]), ('c', 'F32', [0, 3])]),
        'one': safetensors([('a', 'BF16', [4, 4])], {'format': 'pt'}),
        'reversed': safetensors([('a', 'F16', [2]), ('b', 'F16', [3]), ('c', 'I64', [5])],
                                shuffle=random.Random(3)),
        'no-padding': safetensors([('abc', 'F16', [2])], padding=False),
        'indented': safetensors([('a', 'F16', [2]), ('b', 'F32', [3])], {'a': 'b'}, indent=4),
        'escapes': safetensors([('tab\tquote"slash\\/ü😀', 'F16', [2])],
                               {'modelspec.title': 'Größe 😀\n"x"'}),
        'other-letters': safetensors([('тензор', 'F16', [2])], {'é': 'ü😀'}, ensure_ascii=False),
        'dimensions': safetensors([('a', 'U8', [2, 3, 1, 2, 1, 4])]),
        'majority': safetensors([('a', 'F32', [10]), ('b', 'F8_E4M3', [100]), ('c', 'F32', [20])]),
        'long-metadata': safetensors([('a', 'F32', [2])], {'long': 'x' * 200000, 'b': 'c'}),
        'many': safetensors([(f'layers.{i}.w', 'BF16', [2, 2]) for i in range(2500)],
                            shuffle=random.Random(5)),
    }
    for dtype in SAFETENSORS_BITS:
        files[f'type-{dtype}'] = safetensors([('a', dtype, [8, 3])])
    for i in range(12):
        files[f'random-{i}'] = random_safetensors(generator)
    return files


def main():
    makers = {'gguf': gguf_files, 'safetensors': safetensors_files}
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in makers:
        sys.exit(__doc__.splitlines()[-1])
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    files = makers[sys.argv[1]](int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    for name, data in files.items():
        (folder / f'{name}.{sys.argv[1]}').write_bytes(data)


if __name__ == '__main__':
    main()

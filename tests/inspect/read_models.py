# SPDX-License-Identifier: GPL-3.0-or-later
"""A second reader of model files, written from the formats' published descriptions alone. It trusts
its files and shares nothing with the program but what the formats say."""

import io
import json
import struct

# The names of `general.file_type` and of GGML's tensor types, by their numbers.
FILE_TYPES = ('F32 F16 Q4_0 Q4_1 Q4_1_SOME_F16 Q4_2 Q4_3 Q8_0 Q5_0 Q5_1 Q2_K Q3_K_S Q3_K_M Q3_K_L '
              'Q4_K_S Q4_K_M Q5_K_S Q5_K_M Q6_K IQ2_XXS IQ2_XS Q2_K_S IQ3_XS IQ3_XXS IQ1_S IQ4_NL '
              'IQ3_S IQ3_M IQ2_S IQ2_M IQ4_XS IQ1_M BF16 Q4_0_4_4 Q4_0_4_8 Q4_0_8_8 TQ1_0 TQ2_0 '
              'MXFP4_MOE NVFP4 Q1_0 Q2_0').split()
TENSOR_TYPES = dict(enumerate(
    'F32 F16 Q4_0 Q4_1 Q4_2 Q4_3 Q5_0 Q5_1 Q8_0 Q8_1 Q2_K Q3_K Q4_K Q5_K Q6_K Q8_K IQ2_XXS IQ2_XS '
    'IQ3_XXS IQ1_S IQ4_NL IQ3_S IQ2_S IQ4_XS I8 I16 I32 I64 F64 IQ1_M BF16'.split()))
TENSOR_TYPES |= {34: 'TQ1_0', 35: 'TQ2_0', 39: 'MXFP4', 40: 'NVFP4', 41: 'Q1_0'}


def product(lengths):
    result = 1
    for length in lengths:
        result *= length
    return result


def majority(numbers):
    """The key with the greatest value, the first of equals; None if there are no numbers."""
    best = max(numbers, key=numbers.get, default=None)
    return best if best is not None and numbers[best] else None


class GgufReader:
    def __init__(self, data):
        self.file = io.BytesIO(data)
        self.order = '<'

    def number(self, code):
        (value,) = struct.unpack(self.order + code,
                                 self.file.read(struct.calcsize('=' + code)))
        return value

    def text(self):
        return self.file.read(self.number('Q')).decode()

    def value(self, kind):
        if kind == 8:
            return self.text()
        if kind == 9:
            inner, n = self.number('I'), self.number('Q')
            return [self.value(inner) for _ in range(n)]
        return self.number({0: 'B', 1: 'b', 2: 'H', 3: 'h', 4: 'I', 5: 'i', 6: 'f', 7: '?',
                            10: 'Q', 11: 'q', 12: 'd'}[kind])

    def read(self):
        assert self.file.read(4) == b'GGUF'
        version = self.number('I')
        if version > 0xffff:
            self.order = '>'
            self.file.seek(4)
            version = self.number('I')
        n_tensors, n_keys = self.number('Q'), self.number('Q')
        metadata, tensors = {}, {}
        for _ in range(n_keys):
            key = self.text()
            metadata[key] = self.value(self.number('I'))
        for _ in range(n_tensors):
            name = self.text()
            shape = [self.number('Q') for _ in range(self.number('I'))]
            tensors[name] = (self.number('I'), shape, self.number('Q'))
        return version, metadata, tensors


def gguf_facts(data):
    version, metadata, tensors = GgufReader(data).read()
    architecture = metadata.get('general.architecture')
    by_type = dict.fromkeys(sorted(kind for kind, _, _ in tensors.values()), 0)
    for kind, shape, _ in tensors.values():
        by_type[kind] += product(shape)
    file_type = metadata.get('general.file_type')
    return {
        'format': 'gguf',
        'version': version,
        'architecture': architecture,
        'name': metadata.get('general.name'),
        'parameters': sum(by_type.values()),
        'quantisation': FILE_TYPES[file_type] if file_type is not None
        else TENSOR_TYPES.get(majority(by_type)),
        'contextLength': metadata.get(f'{architecture}.context_length'),
        'layers': metadata.get(f'{architecture}.block_count'),
        'embeddingLength': metadata.get(f'{architecture}.embedding_length'),
        'shards': metadata.get('split.count'),
        'tensors': len(tensors),
        'unknownTensors': 0,
        'size': len(data),
    }


def safetensors_facts(data):
    (length,) = struct.unpack('<Q', data[:8])
    header = json.loads(data[8:8 + length].decode())
    metadata = header.pop('__metadata__', {})
    by_type = {}
    for tensor in header.values():
        by_type[tensor['dtype']] = (by_type.get(tensor['dtype'], 0) + product(tensor['shape']))
    return {
        'format': 'safetensors',
        'version': None,
        'architecture': metadata.get('modelspec.architecture'),
        'name': metadata.get('modelspec.title'),
        'parameters': sum(by_type.values()),
        'quantisation': majority(by_type),
        'contextLength': None,
        'layers': None,
        'embeddingLength': None,
        'shards': None,
        'tensors': len(header),
        'unknownTensors': 0,
        'size': len(data),
    }

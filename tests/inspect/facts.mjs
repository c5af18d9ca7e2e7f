// SPDX-License-Identifier: GPL-3.0-or-later
//
// What Hugging Face's parser says of GGUF files, as a JSON array in the order of the arguments.
// The first argument is the module.

import { pathToFileURL } from "node:url";

const [module, ...paths] = process.argv.slice(2);
const { gguf, GGMLFileQuantizationType, GGMLQuantizationType } = await import(pathToFileURL(module));

function number(value) {
  return value === undefined ? null : Number(value);
}

// The type of most numbers, the lowest of equals.
function majority(tensors) {
  const sums = new Map();
  for (const { dtype, shape } of tensors) {
    sums.set(dtype, (sums.get(dtype) ?? 0) + shape.reduce((product, n) => product * Number(n), 1));
  }
  const best = [...sums].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0];
  return best && best[1] > 0 ? GGMLQuantizationType[best[0]] : null;
}

async function facts(path) {
  const { metadata, tensorInfos, parameterCount } = await gguf(path, {
    allowLocalFile: true,
    computeParametersCount: true,
  });
  const architecture = metadata["general.architecture"];
  const fileType = metadata["general.file_type"];
  return {
    version: metadata.version,
    architecture: architecture ?? null,
    name: metadata["general.name"] ?? null,
    parameters: parameterCount,
    quantisation: fileType === undefined ? majority(tensorInfos) : GGMLFileQuantizationType[fileType],
    contextLength: number(metadata[`${architecture}.context_length`]),
    layers: number(metadata[`${architecture}.block_count`]),
    embeddingLength: number(metadata[`${architecture}.embedding_length`]),
    shards: number(metadata["split.count"]),
    tensors: tensorInfos.length,
  };
}

const all = [];
for (const path of paths) {
  all.push(await facts(path).catch((error) => ({ error: String(error) })));
}
console.log(JSON.stringify(all));

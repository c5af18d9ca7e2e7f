// SPDX-License-Identifier: GPL-3.0-or-later
// Tells as JSON what the hub's own client sees of a repository, and downloads all of it.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { downloadFile, listFiles, modelInfo } from '@huggingface/hub';

const [hubUrl, repo, accessToken, folder] = process.argv.slice(2);
const info = await modelInfo({ hubUrl, name: repo, accessToken, additionalFields: ['sha'] });
const seen = { sha: info.sha, gated: info.gated, files: [] };

await mkdir(folder);
for await (const entry of listFiles({ hubUrl, repo, accessToken, recursive: true })) {
  if (entry.type !== 'file')
    continue;
  seen.files.push({ path: entry.path, size: entry.size, sha256: entry.lfs?.oid ?? null });
  const blob = await downloadFile({ hubUrl, repo, accessToken, path: entry.path });
  await writeFile(join(folder, entry.path.replaceAll('/', '-')),
                  Buffer.from(await blob.arrayBuffer()));
}

const refusal = async (options) => {
  try {
    await downloadFile({ hubUrl, repo, path: seen.files[0].path, ...options });
    return 200;
  } catch (error) {
    return error.statusCode;
  }
};
seen.withoutToken = await refusal({});
seen.missing = await refusal({ accessToken, revision: 'none' });

process.stdout.write(JSON.stringify(seen));

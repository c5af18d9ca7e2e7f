// SPDX-License-Identifier: GPL-3.0-or-later
// Downloads files of a repository to a cache, as the hub's own client does, and tells as JSON the
// paths that it gives for them.

import { downloadFileToCacheDir } from '@huggingface/hub';

const [hubUrl, repo, cacheDir, ...paths] = process.argv.slice(2);
const links = [];

console.debug = () => {};
for (const path of paths)
  links.push(await downloadFileToCacheDir({ hubUrl, repo, path, cacheDir }));

process.stdout.write(JSON.stringify(links));

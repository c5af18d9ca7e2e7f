/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What people type, and what it is understood as: kind, model id and plan, or the error. */

#include "core/source/planner.h"

#include <string.h>

#define NONE ((DrayReferenceKind) -1)

typedef struct
{
  const char *source;
  DrayReferenceKind kind; /* NONE for an error */
  const char *model_id;   /* of an error: what the message says */
  const char *facts;      /* see describe() */
} Case;

#define LINK(source, id, facts) { source, DRAY_REFERENCE_LINK, "url:" id, facts }
#define NAME(source, name, facts) { source, DRAY_REFERENCE_BUNDLED, name, facts }
#define HUB(source, id, facts) { source, DRAY_REFERENCE_HUB, "hf:" id, facts }
#define OLLAMA(source, id, facts) { source, DRAY_REFERENCE_OLLAMA, "ollama:" id, facts }
#define FILE_AT(source, path) { source, DRAY_REFERENCE_FILE, "file:" path, path }
#define ERROR(source, says) { source, NONE, says, NULL }

#define H "https://huggingface.co/"
#define E "https://example.com/"

/* Facts of a link: how many files, and the first. */
static const Case links[] = {
  LINK (E "model.gguf", E "model.gguf", "1 " E "model.gguf"),
  LINK ("http://example.com/model.gguf", "http://example.com/model.gguf",
        "1 http://example.com/model.gguf"),
  LINK ("\t" E "model.gguf \r\n", E "model.gguf", "1 " E "model.gguf"),
  LINK ("HTTPS://EXAMPLE.com/Model.GGUF", E "Model.GGUF", "1 https://EXAMPLE.com/Model.GGUF"),
  LINK ("https://example.com", E, "1 " E),
  LINK ("https://example.com:443/a", E "a", "1 " E "a"),
  LINK ("http://example.com:80/a", "http://example.com/a", "1 http://example.com/a"),
  LINK ("https://example.com:8443/a", "https://example.com:8443/a", "1 https://example.com:8443/a"),
  LINK (E "a#part", E "a", "1 " E "a"),
  LINK (E "a?b=c&d=e", E "a?b=c&d=e", "1 " E "a?b=c&d=e"),
  LINK (E "a?X-Amz-Signature=1&X-Amz-Expires=3600", E "a",
        "1 " E "a?X-Amz-Signature=1&X-Amz-Expires=3600"),
  LINK (E "a?v=2&Signature=x&Key-Pair-Id=y&Policy=z", E "a?v=2",
        "1 " E "a?v=2&Signature=x&Key-Pair-Id=y&Policy=z"),
  LINK (E "a%20b.gguf", E "a%20b.gguf", "1 " E "a%20b.gguf"),
  LINK ("https://user:secret@example.com/a", E "a", "1 https://user:secret@example.com/a"),
  LINK ("http://127.0.0.1:8080/a.gguf", "http://127.0.0.1:8080/a.gguf",
        "1 http://127.0.0.1:8080/a.gguf"),
  LINK ("http://[::1]:8080/a.gguf", "http://[::1]:8080/a.gguf", "1 http://[::1]:8080/a.gguf"),
  LINK (E "m-00001-of-00003.gguf", E "m-*-of-00003.gguf", "3 " E "m-00001-of-00003.gguf"),
  LINK (E "m-00003-of-00003.gguf?k=v", E "m-*-of-00003.gguf?k=v",
        "3 " E "m-00001-of-00003.gguf?k=v"),
  LINK (E "m-00002-of-00002.safetensors", E "m-*-of-00002.safetensors",
        "2 " E "m-00001-of-00002.safetensors"),
  LINK (E "m-00004-of-00003.gguf", E "m-00004-of-00003.gguf", "1 " E "m-00004-of-00003.gguf"),
  LINK (E "m-00001-of-00003.bin", E "m-00001-of-00003.bin", "1 " E "m-00001-of-00003.bin"),
  LINK ("https://cdn-lfs.huggingface.co/repos/a/b/c?X-Amz-Signature=1",
        "https://cdn-lfs.huggingface.co/repos/a/b/c",
        "1 https://cdn-lfs.huggingface.co/repos/a/b/c?X-Amz-Signature=1"),
  LINK ("https://hf-mirror.example/o/r/resolve/main/m.gguf",
        "https://hf-mirror.example/o/r/resolve/main/m.gguf",
        "1 https://hf-mirror.example/o/r/resolve/main/m.gguf"),
  LINK ("https://huggingface.co:8443/o/r", "https://huggingface.co:8443/o/r",
        "1 https://huggingface.co:8443/o/r"),
  LINK (H "gpt2/resolve/main/model.safetensors", H "gpt2/resolve/main/model.safetensors",
        "1 " H "gpt2/resolve/main/model.safetensors"),
  LINK ("https://huggingface.co.example.com/o/r", "https://huggingface.co.example.com/o/r",
        "1 https://huggingface.co.example.com/o/r"),
  LINK ("https://registry.ollama.ai/v2/library/x/blobs/sha256:1",
        "https://registry.ollama.ai/v2/library/x/blobs/sha256:1",
        "1 https://registry.ollama.ai/v2/library/x/blobs/sha256:1"),
};

/* Facts of a bundled model: how many files, and their size. */
static const Case names[] = {
  NAME ("LLAMA_3_2_1B_INST_Q4_0", "LLAMA_3_2_1B_INST_Q4_0", "1 773025824"),
  NAME ("llama_3_2_1b_inst_q4_0", "LLAMA_3_2_1B_INST_Q4_0", "1 773025824"),
  NAME (" Gte_Large_FP16\n", "GTE_LARGE_FP16", "1 669603712"),
  NAME ("VAD_SILERO_5_1_2", "VAD_SILERO_5_1_2", "1 885098"),
  NAME ("QWEN3_1_7B_INST_Q4", "QWEN3_1_7B_INST_Q4", "1 1056782912"),
  NAME ("SMOLVLM2_500M_MULTIMODAL_Q8_0", "SMOLVLM2_500M_MULTIMODAL_Q8_0", "2 636279328"),
  NAME ("MMPROJ_SMOLVLM2_500M_MULTIMODAL_F16", "MMPROJ_SMOLVLM2_500M_MULTIMODAL_F16",
        "1 199470624"),
  NAME ("DEEPSEEK_V4_304B_INST_UD_IQ2_M_SHARD", "DEEPSEEK_V4_304B_INST_UD_IQ2_M_SHARD",
        "3 90926928288"),
  NAME ("QWEN3_8_FLASH_NEXT_177B_MULTIMODAL_UD_Q2_K_XL_SHARD",
        "QWEN3_8_FLASH_NEXT_177B_MULTIMODAL_UD_Q2_K_XL_SHARD", "4 79773132864"),
  NAME ("QWEN3_8_FLASH_NEXT_177B_MULTIMODAL_UD_Q4_K_XL_SHARD",
        "QWEN3_8_FLASH_NEXT_177B_MULTIMODAL_UD_Q4_K_XL_SHARD", "5 112238658784"),
};

/* Facts of the hub: repository, revision, variant, path. */
static const Case repositories[] = {
  HUB ("hf:o/r", "o/r", "o/r|||"),
  HUB ("HF:o/r", "o/r", "o/r|||"),
  HUB ("hf:Org-1/Repo_2.5-GGUF", "Org-1/Repo_2.5-GGUF", "Org-1/Repo_2.5-GGUF|||"),
  HUB ("hf:o/r/", "o/r", "o/r|||"),
  HUB ("hf:o/r:Q4_K_M", "o/r:Q4_K_M", "o/r||Q4_K_M|"),
  HUB ("hf:o/r:q4_k_m", "o/r:Q4_K_M", "o/r||Q4_K_M|"),
  HUB ("hf:o/r:ud-iq2_xxs", "o/r:UD-IQ2_XXS", "o/r||UD-IQ2_XXS|"),
  HUB ("hf:o/r:nvfp4", "o/r:NVFP4", "o/r||NVFP4|"),
  HUB (H "o/r/tree/main/NVFP4", "o/r:NVFP4", "o/r||NVFP4|"),
  HUB ("hf:o/r:bf16", "o/r:BF16", "o/r||BF16|"),
  HUB ("hf:o/r:mlx-4bit", "o/r:mlx-4bit", "o/r||mlx-4bit|"),
  HUB ("hf:o/r:new/model (2)-Q4_0", "o/r:new/model (2)-Q4_0", "o/r||new/model (2)-Q4_0|"),
  HUB ("hf:o/r@refs/pr/3:new/m", "o/r@refs%2Fpr%2F3:new/m", "o/r|refs/pr/3|new/m|"),
  HUB ("hf:o/r:latest", "o/r", "o/r|||"),
  HUB ("hf:o/r@main", "o/r", "o/r|||"),
  HUB ("hf:o/r@v1.0", "o/r@v1.0", "o/r|v1.0||"),
  HUB ("hf:o/r@0123456789abcdef0123456789abcdef01234567",
       "o/r@0123456789abcdef0123456789abcdef01234567",
       "o/r|0123456789abcdef0123456789abcdef01234567||"),
  HUB ("hf:o/r@v1:Q8_0", "o/r@v1:Q8_0", "o/r|v1|Q8_0|"),
  HUB ("hf:o/r@main:Q8_0", "o/r:Q8_0", "o/r||Q8_0|"),
  HUB ("hf:o/r@refs/pr/3", "o/r@refs%2Fpr%2F3", "o/r|refs/pr/3||"),
  HUB ("hf:o/r@refs%2Fpr%2F3:F16", "o/r@refs%2Fpr%2F3:F16", "o/r|refs/pr/3|F16|"),
  HUB ("hf:o/r@feature%2Fx", "o/r@feature%2Fx", "o/r|feature/x||"),
  HUB ("hf://o/r", "o/r", "o/r|||"),
  HUB ("hf://o/r@v1/m.gguf", "o/r@v1/m.gguf", "o/r|v1||m.gguf"),
  HUB ("hf.co/o/r", "o/r", "o/r|||"),
  HUB ("HF.co/o/r:Q5_K_S", "o/r:Q5_K_S", "o/r||Q5_K_S|"),
  HUB ("hf.co/o/r@v1:Q5_K_S", "o/r@v1:Q5_K_S", "o/r|v1|Q5_K_S|"),
  HUB ("huggingface.co/o/r", "o/r", "o/r|||"),
  HUB ("www.huggingface.co/o/r/tree/main", "o/r", "o/r|||"),
  HUB ("https://hf.co/o/r:Q4_0", "o/r:Q4_0", "o/r||Q4_0|"),
  HUB (H "o/r", "o/r", "o/r|||"),
  HUB ("http://huggingface.co/o/r", "o/r", "o/r|||"),
  HUB ("https://HuggingFace.CO/o/r", "o/r", "o/r|||"),
  HUB ("https://huggingface.co:443/o/r", "o/r", "o/r|||"),
  HUB ("https://me:hf_secret@huggingface.co/o/r", "o/r", "o/r|||"),
  HUB (H "o/r/", "o/r", "o/r|||"),
  HUB (H "/o//r", "o/r", "o/r|||"),
  HUB (H "o/r.git", "o/r", "o/r|||"),
  HUB (H "o/r?library=transformers", "o/r", "o/r|||"),
  HUB (H "o/r#usage", "o/r", "o/r|||"),
  HUB (H "o/r%3AQ6_K", "o/r:Q6_K", "o/r||Q6_K|"),
  HUB (H "o/r/tree/main", "o/r", "o/r|||"),
  HUB (H "o/r/tree/v1", "o/r@v1", "o/r|v1||"),
  HUB (H "o/r/tree/refs%2Fpr%2F12", "o/r@refs%2Fpr%2F12", "o/r|refs/pr/12||"),
  HUB (H "o/r/tree/refs/pr/12", "o/r@refs%2Fpr%2F12", "o/r|refs/pr/12||"),
  HUB (H "o/r/tree/main/UD-Q4_K_XL", "o/r:UD-Q4_K_XL", "o/r||UD-Q4_K_XL|"),
  HUB (H "o/r/tree/main/gguf/q8_0", "o/r:Q8_0", "o/r||Q8_0|"),
};

static const Case hub_files[] = {
  HUB ("hf:o/r/m.gguf", "o/r/m.gguf", "o/r|||m.gguf"),
  HUB ("hf:o/r/d/e/m.gguf", "o/r/d/e/m.gguf", "o/r|||d/e/m.gguf"),
  HUB ("hf:o/r/a b:c%20d.gguf", "o/r/a b:c%20d.gguf", "o/r|||a b:c%20d.gguf"),
  HUB ("hf:o/r@refs/pr/3/m.gguf", "o/r@refs%2Fpr%2F3/m.gguf", "o/r|refs/pr/3||m.gguf"),
  HUB ("hf:o/r/m-00002-of-00003.gguf", "o/r/m-*-of-00003.gguf", "o/r|||m-00002-of-00003.gguf"),
  HUB ("hf:o/r/m-00002-of-00003.bin", "o/r/m-*-of-00003.bin", "o/r|||m-00002-of-00003.bin"),
  HUB ("hf:o/r/m-00002-of-00003.GGUF", "o/r/m-*-of-00003.GGUF", "o/r|||m-00002-of-00003.GGUF"),
  HUB ("hf:o/r/m-00002-of-00003", "o/r/m-00002-of-00003", "o/r|||m-00002-of-00003"),
  HUB ("hf:o/r/m-*-of-00003.gguf", "o/r/m-*-of-00003.gguf", "o/r|||m-00001-of-00003.gguf"),
  HUB ("hf:o/r/m-*-of-x.gguf", "o/r/m-*-of-x.gguf", "o/r|||m-*-of-x.gguf"),
  HUB ("hf.co/o/r/blob/main/m.gguf", "o/r/m.gguf", "o/r|||m.gguf"),
  HUB (H "o/r/blob/main/m.gguf", "o/r/m.gguf", "o/r|||m.gguf"),
  HUB (H "o/r/resolve/main/m.gguf?download=true", "o/r/m.gguf", "o/r|||m.gguf"),
  HUB (H "o/r/raw/main/config.json", "o/r/config.json", "o/r|||config.json"),
  HUB (H "o/r/resolve/v1/d/m.gguf", "o/r@v1/d/m.gguf", "o/r|v1||d/m.gguf"),
  HUB (H "o/r/blob/refs%2Fpr%2F3/m.gguf", "o/r@refs%2Fpr%2F3/m.gguf", "o/r|refs/pr/3||m.gguf"),
  HUB (H "o/r/resolve/refs/convert/gguf/m.gguf", "o/r@refs%2Fconvert%2Fgguf/m.gguf",
       "o/r|refs/convert/gguf||m.gguf"),
  HUB (H "o/r/blob/main/a%20b%25.gguf", "o/r/a b%.gguf", "o/r|||a b%.gguf"),
  HUB (H "o/r/blob/main/%C3%A9.gguf", "o/r/é.gguf", "o/r|||é.gguf"),
  HUB (H "o/r/resolve/main/Q4/m-00003-of-00004.gguf", "o/r/Q4/m-*-of-00004.gguf",
       "o/r|||Q4/m-00003-of-00004.gguf"),
  HUB (H "o/r/blob/v1/m-00001-of-00002.safetensors", "o/r@v1/m-*-of-00002.safetensors",
       "o/r|v1||m-00001-of-00002.safetensors"),
};

/* Facts of Ollama's: name and tag. */
static const Case ollama[] = {
  OLLAMA ("ollama:llama3.2", "llama3.2:latest", "llama3.2|latest"),
  OLLAMA ("Ollama:llama3.2:1b", "llama3.2:1b", "llama3.2|1b"),
  OLLAMA ("ollama:llama3.2:1b-instruct-q4_K_M", "llama3.2:1b-instruct-q4_K_M",
          "llama3.2|1b-instruct-q4_K_M"),
  OLLAMA ("ollama:library/gemma3", "gemma3:latest", "gemma3|latest"),
  OLLAMA ("ollama:User/model", "User/model:latest", "User/model|latest"),
  OLLAMA ("ollama:user/model:7b", "user/model:7b", "user/model|7b"),
  OLLAMA ("https://ollama.com/library/gemma3", "gemma3:latest", "gemma3|latest"),
  OLLAMA ("https://ollama.com/library/gemma3:4b", "gemma3:4b", "gemma3|4b"),
  OLLAMA ("https://ollama.com/library/gemma3%3A4b", "gemma3:4b", "gemma3|4b"),
  OLLAMA ("https://www.ollama.com/library/gemma3/tags", "gemma3:latest", "gemma3|latest"),
  OLLAMA ("https://ollama.com/user/model", "user/model:latest", "user/model|latest"),
  OLLAMA ("ollama.com/library/gemma3", "gemma3:latest", "gemma3|latest"),
};

/* Facts of a file: its path. */
static const Case files[] = {
  FILE_AT ("/models/m.gguf", "/models/m.gguf"),
  FILE_AT ("/a b/ü.gguf", "/a b/ü.gguf"),
  FILE_AT ("/a/../b/./m.gguf", "/b/m.gguf"),
  { "file:///models/m.gguf", DRAY_REFERENCE_FILE, "file:/models/m.gguf", "/models/m.gguf" },
  { "file:///a%20b/m.gguf", DRAY_REFERENCE_FILE, "file:/a b/m.gguf", "/a b/m.gguf" },
  { "file://localhost/m.gguf", DRAY_REFERENCE_FILE, "file:/m.gguf", "/m.gguf" },
  { "FILE:/m.gguf", DRAY_REFERENCE_FILE, "file:/m.gguf", "/m.gguf" },
};

static const Case errors[] = {
  ERROR ("", "is empty"),
  ERROR (" \n", "is empty"),
  ERROR ("\xff\xfe", "is not text"),
  ERROR ("a\nb", "has several lines"),
  ERROR ("hf:o/r\x01", "cannot be seen"),
  ERROR ("word", "neither a link nor the name of a bundled model"),
  ERROR ("two words", "neither a link"),
  ERROR ("llama_3_2_1b_inst", "such as LLAMA_3_2_1B_INST_Q4_0"),
  ERROR ("LLAMA_3_2_1B_INST_Q4_0_", "neither a link"),
  ERROR ("model.gguf", "neither a link"),
  ERROR ("./model.gguf", "not an absolute path"),
  ERROR ("../model.gguf", "not an absolute path"),
  ERROR ("~/model.gguf", "not an absolute path"),
  ERROR ("o/r", "hf:o/r"),
  ERROR ("ftp://example.com/m.gguf", "neither an http nor an https"),
  ERROR ("s3://bucket/m.gguf", "neither an http nor an https"),
  ERROR ("javascript:alert(1)", "neither a link"),
  ERROR ("http:a", "neither a link"),
  ERROR ("//example.com/a", "names a server"),
  ERROR ("http://", "names no server"),
  ERROR ("https:///a", "names no server"),
  ERROR ("https://exa mple.com/a", "names no server that can be"),
  ERROR ("https://example.com;/a", "names no server that can be"),
  ERROR ("http://[::1/a", "is not a web address"),
  ERROR ("http://host:99999/a", "is not a web address"),
  ERROR ("hf:", "names an account"),
  ERROR ("hf:o", "names an account"),
  ERROR ("hf:o/", "names no repository"),
  ERROR ("hf:/r", "names no repository"),
  ERROR ("hf:o/..", "names no repository"),
  ERROR ("hf:o/a--b", "names no repository"),
  ERROR ("hf:o/a..b", "names no repository"),
  ERROR ("hf:-o/r", "names no repository"),
  ERROR ("hf:o/r:", "a form of o/r that cannot be"),
  ERROR ("hf:o/r:../x", "a form of o/r that cannot be"),
  ERROR ("hf:o/r:x/", "a form of o/r that cannot be"),
  ERROR ("hf:o/r@", "a revision of o/r that cannot be"),
  ERROR ("hf:o/r@a..b", "a revision of o/r that cannot be"),
  ERROR ("hf:o/r@%2E%2E%2Fx", "a revision of o/r that cannot be"),
  ERROR ("hf:o/r@a%zz", "a revision of o/r that cannot be"),
  ERROR ("hf:o/r/../x", "a file of o/r that cannot be"),
  ERROR ("hf:o/r/a//b", "a file of o/r that cannot be"),
  ERROR ("hf:datasets/o/r", "is a dataset"),
  ERROR (H "datasets/o/r", "is a dataset"),
  ERROR (H "spaces/o/r", "is a space"),
  ERROR (H "collections/o/r-1", "is a collection"),
  ERROR ("https://huggingface.co", "is a page of Hugging Face"),
  ERROR (H "docs/hub/index", "is a page of Hugging Face"),
  ERROR (H "models?search=llama", "is a page of Hugging Face"),
  ERROR (H "settings/tokens", "is a page of Hugging Face"),
  ERROR (H "api/models/o/r", "is a page of Hugging Face"),
  ERROR (H "gpt2", "is the page of an account"),
  ERROR (H "o/r/discussions/3", "is a page about the model o/r"),
  ERROR (H "o/r/commits/main", "is a page about the model o/r"),
  ERROR (H "o/r/blob/main", "names no file of o/r"),
  ERROR (H "o/r/resolve", "names no file of o/r"),
  ERROR (H "o/r/tree/main/folder", "is a folder in o/r"),
  ERROR (H "o/r/blob/main/../x", "names no file of o/r"),
  ERROR (H "o/r/blob/main/%2E%2E/x", "names no file of o/r"),
  ERROR (H "o/r/blob/main/a%2F..%2Fb", "a file of o/r that cannot be"),
  ERROR (H "o/r/blob/main/a%00b", "a file of o/r that cannot be"),
  ERROR (H "o/r/blob/main/a%0Ab", "a file of o/r that cannot be"),
  ERROR (H "o%2F../r", "names no repository"),
  ERROR (H "o/r%0A/discussions", "names no repository"),
  ERROR (H "o/r%FF/tree/main/folder", "names no repository"),
  ERROR ("ollama:", "names no model"),
  ERROR ("ollama:/x", "names no model"),
  ERROR ("ollama:a b", "names no model"),
  ERROR ("ollama:x:", "a tag of “x” that cannot be"),
  ERROR ("ollama:hf.co/o/r", "a registry of its own"),
  ERROR ("ollama:a/b/c/d", "names no model"),
  ERROR ("https://ollama.com", "is a page of Ollama's"),
  ERROR ("https://ollama.com/search?q=x", "is a page of Ollama's"),
  ERROR ("https://ollama.com/user", "is the page of an account"),
  ERROR ("https://ollama.com/library/x/blobs/1", "is a page about a model"),
  ERROR ("file:", "names no file on this computer"),
  ERROR ("file://server/m.gguf", "names no file on this computer"),
  ERROR ("file:///a%00b", "names no file on this computer"),
  ERROR ("file:///a%ff", "is not text"),
  ERROR ("file:///a%0Ab", "is not text"),
  ERROR ("/models/", "is a folder"),
  ERROR ("/", "is a folder"),
};

static char *
describe_plan (const DrayReference *reference)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DrayPlan) plan = dray_planner_plan (reference, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (plan->model_id, ==, reference->model_id);
  if (reference->kind == DRAY_REFERENCE_BUNDLED)
    return g_strdup_printf ("%u %" G_GINT64_FORMAT, plan->assets->len, dray_plan_get_size (plan));

  return g_strdup_printf ("%u %s", plan->assets->len,
                          ((DrayPlannedAsset *) plan->assets->pdata[0])->url);
}

static const char *
or_nothing (const char *text)
{
  return text != NULL ? text : "";
}

static char *
describe (const DrayReference *reference)
{
  switch (reference->kind)
    {
    case DRAY_REFERENCE_HUB:
      return g_strjoin ("|", reference->repo, or_nothing (reference->revision),
                        or_nothing (reference->variant), or_nothing (reference->path), NULL);
    case DRAY_REFERENCE_OLLAMA:
      return g_strjoin ("|", reference->name, reference->tag, NULL);
    case DRAY_REFERENCE_FILE:
      return g_strdup (reference->path);
    case DRAY_REFERENCE_LINK:
    case DRAY_REFERENCE_BUNDLED:
    default:
      return describe_plan (reference);
    }
}

/* What a message must be, whatever the text was. */
static void
check_error (const GError *error)
{
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_null (strpbrk (error->message, "\r\n"));
  g_assert_cmpuint (strlen (error->message), <, 2000);
}

static void
check_case (const Case *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DrayReference) reference = dray_reference_parse (expected->source, &error);
  g_autofree char *shown = g_strescape (expected->source, NULL);
  g_autofree char *facts = NULL;

  g_test_message ("“%s”: %s", shown, reference != NULL ? reference->model_id : error->message);
  if (expected->kind == NONE)
    {
      g_assert_null (reference);
      check_error (error);
      g_assert_nonnull (strstr (error->message, expected->model_id));
      return;
    }

  g_assert_no_error (error);
  g_assert_cmpint (reference->kind, ==, expected->kind);
  g_assert_cmpstr (reference->model_id, ==, expected->model_id);
  facts = describe (reference);
  g_assert_cmpstr (facts, ==, expected->facts);
}

#define CHECK(cases)                                                                               \
  static void test_##cases (void)                                                                  \
  {                                                                                                \
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++)                                               \
      check_case (&cases[i]);                                                                      \
  }

CHECK (links)
CHECK (names)
CHECK (repositories)
CHECK (hub_files)
CHECK (ollama)
CHECK (files)
CHECK (errors)

/* The id of a reference that is one of a hub's, or a name, is a source of the same model. */
static void
check_id (const DrayReference *reference)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DrayReference) again = NULL;

  g_assert_true (g_utf8_validate (reference->model_id, -1, NULL));
  if (reference->kind == DRAY_REFERENCE_LINK || reference->kind == DRAY_REFERENCE_FILE)
    return;

  again = dray_reference_parse (reference->model_id, &error);
  g_test_message ("%s", reference->model_id);
  g_assert_no_error (error);
  g_assert_cmpint (again->kind, ==, reference->kind);
  g_assert_cmpstr (again->model_id, ==, reference->model_id);
}

/* What a person has chosen of a plan is a source. */
static void
test_choose (void)
{
  static const char *const variants[] = { "Q4_K_M", "UD-IQ2_XXS", "safetensors", "new/model (2) é-Q4_0" };
  g_autoptr (DrayReference) reference = dray_reference_parse ("hf:o/r@refs/pr/3", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (variants); i++)
    {
      g_autofree char *source = dray_reference_choose (reference, variants[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (DrayReference) chosen = dray_reference_parse (source, &error);

      g_assert_no_error (error);
      g_assert_cmpstr (chosen->model_id, ==, source);
      g_assert_cmpstr (chosen->repo, ==, "o/r");
      g_assert_cmpstr (chosen->revision, ==, "refs/pr/3");
      g_assert_cmpstr (chosen->variant, ==, variants[i]);
    }
}

static void
test_ids (void)
{
  const struct
  {
    const Case *cases;
    gsize n_cases;
  } tables[] = {
    { names, G_N_ELEMENTS (names) },
    { repositories, G_N_ELEMENTS (repositories) },
    { hub_files, G_N_ELEMENTS (hub_files) },
    { ollama, G_N_ELEMENTS (ollama) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    for (gsize j = 0; j < tables[i].n_cases; j++)
      {
        g_autoptr (DrayReference) reference
            = dray_reference_parse (tables[i].cases[j].source, NULL);

        check_id (reference);
      }
}

static void
check_text (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DrayReference) reference = dray_reference_parse (text, &error);

  if (reference == NULL)
    {
      check_error (error);
      return;
    }

  check_id (reference);
  if (reference->path != NULL)
    {
      g_auto (GStrv) parts = g_strsplit (reference->path, "/", -1);

      g_assert_false (g_strv_contains ((const char *const *) parts, ".."));
    }
}

/* Texts put together from what the readers look for, and from bytes that mean nothing. */
static void
test_random (void)
{
  static const char *const words[] = {
    "hf:", "hf.co/", H, "ollama:", "https://ollama.com/", "file://", "https://", "http:", E, "o", "r",
    "/", "/", "//", ":", "@", "%2F", "%2E", "%", "%00", "%0A", "%FF", "..", ".", "-", "*", "blob/", "resolve/",
    "tree/", "discussions/", "main", "refs/pr/3", "-00001-of-00002.gguf", "-*-of-00002.gguf", "m.gguf", "Q4_K_M",
    "latest", "library/", "datasets/", " ", "\t", "\n", "?", "#", "&", "[", "]", "é", "\xff", "\x01",
    "GTE_LARGE_FP16", "~",
  };

  for (guint i = 0; i < 4000; i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      gint n_words = g_test_rand_int_range (0, 9);

      for (gint j = 0; j < n_words; j++)
        {
          if (g_test_rand_int_range (0, 8) == 0)
            g_string_append_c (text, (char) g_test_rand_int_range (1, 256));
          else
            g_string_append (text, words[g_test_rand_int_range (0, G_N_ELEMENTS (words))]);
        }
      check_text (text->str);
    }
}

/* What is dropped by mistake has megabytes. */
static void
test_long (void)
{
  static const char *const starts[] = { "", "/", E, "hf:o/r/", "hf:o/r:", "hf:o/", "hf:o/r@", "ollama:",
                                        H "o/r/blob/main/", "file:///" };

  for (guint i = 0; i < G_N_ELEMENTS (starts); i++)
    {
      g_autofree char *filling = g_strnfill (4 * 1024 * 1024, 'a');
      g_autofree char *text = g_strconcat (starts[i], filling, NULL);

      check_text (text);
    }
}

int
main (int argc, char **argv)
{
  g_unsetenv ("HF_ENDPOINT");
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/reference-table/links", test_links);
  g_test_add_func ("/reference-table/names", test_names);
  g_test_add_func ("/reference-table/repositories", test_repositories);
  g_test_add_func ("/reference-table/hub-files", test_hub_files);
  g_test_add_func ("/reference-table/ollama", test_ollama);
  g_test_add_func ("/reference-table/files", test_files);
  g_test_add_func ("/reference-table/errors", test_errors);
  g_test_add_func ("/reference-table/ids", test_ids);
  g_test_add_func ("/reference-table/choose", test_choose);
  g_test_add_func ("/reference-table/random", test_random);
  g_test_add_func ("/reference-table/long", test_long);

  return g_test_run ();
}

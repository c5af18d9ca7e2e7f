/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The names of models, and requests grouped by model: sums, sections, order. */

#include "core/base/error.h"
#include "core/library/model-name.h"
#include "core/request/model-list.h"
#include "core/request/request-private.h"

#include <string.h>

static void
test_names (void)
{
  static const struct
  {
    const char *url;
    const char *title;
    const char *variant;
    const char *publisher;
  } cases[] = {
    { "https://huggingface.co/unsloth/Qwen3-32B-GGUF/resolve/main/Qwen3-32B-UD-Q4_K_XL.gguf",
      "Qwen3 32B", "UD-Q4_K_XL", "unsloth" },
    { "https://h.org/Big-IQ2_M-*-of-00004.gguf", "Big", "IQ2_M", "h.org" },
    { "https://h.org/Big-IQ2_M-00002-of-00004.gguf", "Big", "IQ2_M", "h.org" },
    { "https://h.org/mmproj-F16.gguf", "mmproj", "F16", "h.org" },
    { "https://h.org/flux.2_klein-4B.safetensors", "flux.2 klein 4B", NULL, "h.org" },
    { "https://h.org/Q4_0.gguf", "Q4 0", NULL, "h.org" },
    { "https://huggingface.co/file.gguf", "file", NULL, "huggingface.co" },
    { "https://h.org/m%C3%B6del.gguf?download=true", "mödel", NULL, "h.org" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (DrayModelName) name = { 0 };

      dray_model_name_init_for_link (&name, cases[i].url);
      g_test_message ("%s", cases[i].url);
      g_assert_cmpstr (name.title, ==, cases[i].title);
      g_assert_cmpstr (name.variant, ==, cases[i].variant);
      g_assert_cmpstr (name.publisher, ==, cases[i].publisher);
    }
}

static DrayRequest *
make_request (const char *id, const char *model_id, DrayRequestState state)
{
  g_autoptr (DrayRequestRecord) record = dray_request_record_new ();

  record->id = g_strdup (id);
  record->kind = g_strdup ("download");
  record->source = g_strdup (model_id);
  record->model_id = g_strdup (model_id);
  record->caller = g_strdup ("test");
  record->state = g_strdup (dray_request_state_get_name (state));

  return dray_request_new (record);
}

static void
set_progress (DrayRequest *request, gint64 downloaded, gint64 total, gint64 speed)
{
  DrayTransferProgress progress = {
    .state = DRAY_TRANSFER_DOWNLOADING,
    .downloaded = downloaded,
    .total = total,
    .speed = speed,
    .eta = -1,
  };

  dray_request_set_progress (request, &progress);
}

/* Has the request be for that file; without a @name nobody knows yet what the file will be called. */
static void
set_file (DrayRequest *request, const char *key, const char *name)
{
  g_autoptr (DrayStoredAsset) asset = dray_stored_asset_new ();

  asset->record.id = 1;
  asset->record.download_key = g_strdup (key);
  asset->record.directory = g_strdup ("/library");
  asset->record.name = g_strdup (name);
  asset->record.state = name != NULL ? DRAY_ASSET_COMPLETE : DRAY_ASSET_FETCHING;
  dray_request_set_asset (request, asset);
}

static DrayRequest *
add (GListStore *requests, const char *id, const char *model_id, DrayRequestState state)
{
  DrayRequest *request = make_request (id, model_id, state);

  g_list_store_append (requests, request);
  g_object_unref (request);

  return request;
}

static DrayModel *
peek_model (DrayModelList *models, guint position)
{
  g_autoptr (DrayModel) model = g_list_model_get_item (G_LIST_MODEL (models), position);

  return model;
}

/* The models in order, as "a:2 b:1": the last letter of the id and how many requests. */
static void
assert_models (DrayModelList *models, const char *expected)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (models)); i++)
    {
      DrayModel *model = peek_model (models, i);
      const char *id = dray_model_get_id (model);

      g_string_append_printf (text, "%s%c:%u", i > 0 ? " " : "", id[strlen (id) - 1],
                              dray_model_get_n_requests (model));
    }
  g_assert_cmpstr (text->str, ==, expected);
}

#define A "url:https://h.org/a"
#define B "url:https://h.org/b"
#define C "url:https://h.org/c"

/* A model is called as its source is, where that says more than the name of a file. */
static void
test_names_of_sources (void)
{
  static const struct
  {
    const char *id;
    const char *title;
    const char *variant;
    const char *publisher;
  } cases[] = {
    { "hf:unsloth/Qwen3-32B-GGUF", "Qwen3 32B", NULL, "unsloth" },
    { "hf:unsloth/Qwen3-32B-GGUF@main:UD-Q4_K_XL", "Qwen3 32B", "UD-Q4_K_XL", "unsloth" },
    { "hf:unsloth/Qwen3-32B-GGUF/Qwen3-32B-Q8_0.gguf", "Qwen3 32B", "Q8_0", NULL },
    { "LLAMA_3_2_1B_INST_Q4_0", "Llama 3.2 1B Instruct", "Q4_0", "unsloth" },
    { "ollama:llama3.2:3b", "llama3.2 3b", NULL, NULL },
    { "url:https://h.org/Big-Q4_0.gguf", "Big", "Q4_0", "h.org" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GListStore) requests = g_list_store_new (DRAY_TYPE_REQUEST);
      g_autoptr (DrayModelList) models = dray_model_list_new (G_LIST_MODEL (requests));
      DrayModel *model;

      g_test_message ("%s", cases[i].id);
      add (requests, "1", cases[i].id, DRAY_REQUEST_PAUSED);
      model = peek_model (models, 0);
      g_assert_cmpstr (dray_model_get_title (model), ==, cases[i].title);
      g_assert_cmpstr (dray_model_get_variant (model), ==, cases[i].variant);
      g_assert_cmpstr (dray_model_get_publisher (model), ==, cases[i].publisher);
    }
}

static void
test_order (void)
{
  g_autoptr (GListStore) requests = g_list_store_new (DRAY_TYPE_REQUEST);
  g_autoptr (DrayModelList) models = NULL;
  g_autoptr (DrayRequest) back = NULL;
  guint position;

  add (requests, "1", A, DRAY_REQUEST_PAUSED);
  add (requests, "2", B, DRAY_REQUEST_PAUSED);
  models = dray_model_list_new (G_LIST_MODEL (requests));
  assert_models (models, "a:1 b:1");

  add (requests, "3", A, DRAY_REQUEST_PAUSED);
  add (requests, "4", C, DRAY_REQUEST_PAUSED);
  assert_models (models, "a:2 b:1 c:1");

  /* A request that goes and comes back is where it was, and so is its model. */
  back = g_list_model_get_item (G_LIST_MODEL (requests), 1);
  g_list_store_remove (requests, 1);
  assert_models (models, "a:2 c:1");
  g_list_store_insert (requests, 1, back);
  assert_models (models, "a:2 b:1 c:1");

  g_clear_object (&back);
  back = g_list_model_get_item (G_LIST_MODEL (requests), 0);
  g_list_store_remove (requests, 0);
  g_list_store_append (requests, back);
  g_assert_true (dray_model_get_request (peek_model (models, 0), 0) == back);
  g_assert_true (g_list_store_find (requests, back, &position));
  g_list_store_remove_all (requests);
  assert_models (models, "");
}

static void
count_cb (guint *count)
{
  (*count)++;
}

static void
wait_for (guint *count)
{
  while (*count == 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_sums (void)
{
  g_autoptr (GListStore) requests = g_list_store_new (DRAY_TYPE_REQUEST);
  g_autoptr (DrayModelList) models = NULL;
  DrayRequest *first, *second;
  DrayModel *model;
  guint count = 0;

  first = add (requests, "1", A, DRAY_REQUEST_DOWNLOADING);
  second = add (requests, "2", A, DRAY_REQUEST_DOWNLOADING);
  models = dray_model_list_new (G_LIST_MODEL (requests));
  model = peek_model (models, 0);
  g_assert_cmpint (dray_model_get_total (model), ==, -1);
  g_assert_cmpfloat (dray_model_get_percentage (model), <, 0);
  g_signal_connect_swapped (model, "notify::downloaded", G_CALLBACK (count_cb), &count);

  set_progress (first, 100, 1000, 40);
  set_progress (second, 300, 1000, 60);
  wait_for (&count);
  g_assert_cmpint (dray_model_get_downloaded (model), ==, 400);
  g_assert_cmpint (dray_model_get_total (model), ==, 2000);
  g_assert_cmpint (dray_model_get_speed (model), ==, 100);
  g_assert_cmpint (dray_model_get_eta (model), ==, 16);
  g_assert_cmpfloat_with_epsilon (dray_model_get_percentage (model), 20, 1e-9);
  g_assert_cmpuint (dray_model_get_n_files (model), ==, 2);
}

/* Two callers wait for the same bytes: they count once, as they move. */
static void
test_one_transfer (void)
{
  g_autoptr (GListStore) requests = g_list_store_new (DRAY_TYPE_REQUEST);
  g_autoptr (DrayModelList) models = NULL;
  DrayRequest *paused, *moving;
  DrayModel *model;
  guint count = 0;

  paused = add (requests, "1", A, DRAY_REQUEST_PAUSED);
  moving = add (requests, "2", A, DRAY_REQUEST_DOWNLOADING);
  set_file (paused, "url:" A, NULL);
  set_file (moving, "url:" A, NULL);
  models = dray_model_list_new (G_LIST_MODEL (requests));
  model = peek_model (models, 0);
  g_signal_connect_swapped (model, "notify::downloaded", G_CALLBACK (count_cb), &count);

  set_progress (paused, 100, 1000, 0);
  set_progress (moving, 300, 1000, 60);
  wait_for (&count);
  g_assert_cmpuint (dray_model_get_n_requests (model), ==, 2);
  g_assert_cmpuint (dray_model_get_n_files (model), ==, 1);
  g_assert_cmpint (dray_model_get_downloaded (model), ==, 300);
  g_assert_cmpint (dray_model_get_total (model), ==, 1000);
  g_assert_cmpint (dray_model_get_speed (model), ==, 60);
}

/* Whoever asks again for a file that is complete adds no row to it. */
static void
test_repeated_rows (void)
{
  g_autoptr (GListStore) requests = g_list_store_new (DRAY_TYPE_REQUEST);
  g_autoptr (DrayModelList) models = NULL;
  DrayRequest *first, *second;
  guint count = 0;

  first = add (requests, "1", A, DRAY_REQUEST_COMPLETED);
  second = add (requests, "2", A, DRAY_REQUEST_DOWNLOADING);
  set_file (first, "url:" A, "a");
  set_file (second, "url:" A, "a");
  models = dray_model_list_new (G_LIST_MODEL (requests));
  assert_models (models, "a:2");

  g_signal_connect_swapped (peek_model (models, 0), "items-changed", G_CALLBACK (count_cb), &count);
  dray_request_settle (second, DRAY_REQUEST_COMPLETED, NULL);
  wait_for (&count);
  assert_models (models, "a:1");
  g_assert_true (dray_model_get_request (peek_model (models, 0), 0) == first);

  set_file (add (requests, "3", A, DRAY_REQUEST_COMPLETED), "url:" A, "a");
  count = 0;
  set_file (add (requests, "4", A, DRAY_REQUEST_COMPLETED), "url:" B, "b");
  wait_for (&count);
  assert_models (models, "a:2");

  /* The second stands for the file when the first is removed. */
  g_list_store_remove (requests, 0);
  assert_models (models, "a:2");
  g_assert_true (dray_model_get_request (peek_model (models, 0), 0) == second);
}

static DrayRequest *
make_child (const char *id, const char *parent_id, const char *model_id)
{
  g_autoptr (DrayRequest) plain = make_request (id, model_id, DRAY_REQUEST_QUEUED);
  g_autoptr (DrayRequestRecord) record = dray_request_record_copy (dray_request_get_record (plain));

  record->parent_id = g_strdup (parent_id);
  return dray_request_new (record);
}

/* What is asked for as a set shows its files, in whichever order they come and go. */
static void
test_parent (void)
{
  g_autoptr (GListStore) requests = g_list_store_new (DRAY_TYPE_REQUEST);
  g_autoptr (DrayModelList) models = NULL;
  g_autoptr (DrayRequest) parent = NULL;
  g_autoptr (DrayRequest) child = make_child ("2", "1", A);
  g_autoptr (DrayRequest) other_child = make_child ("3", "1", B);

  parent = g_object_ref (add (requests, "1", A, DRAY_REQUEST_RESOLVING));
  models = dray_model_list_new (G_LIST_MODEL (requests));
  assert_models (models, "a:1");
  g_list_store_append (requests, child);
  g_assert_true (dray_model_get_request (peek_model (models, 0), 0) == child);
  assert_models (models, "a:1");
  g_list_store_append (requests, other_child);
  assert_models (models, "a:1 b:1");

  g_list_store_remove (requests, 0);
  assert_models (models, "a:1 b:1");
  g_list_store_append (requests, parent);
  assert_models (models, "a:1 b:1");
  g_list_store_remove (requests, 0);
  assert_models (models, "b:1");
  g_list_store_remove (requests, 0);
  assert_models (models, "a:1");
  g_assert_true (dray_model_get_request (peek_model (models, 0), 0) == parent);
}

/* However often the requests change, the sums change at most ten times a second. */
static void
test_pace (void)
{
  g_autoptr (GListStore) requests = g_list_store_new (DRAY_TYPE_REQUEST);
  g_autoptr (DrayModelList) models = NULL;
  gint64 begun = g_get_monotonic_time (), took;
  DrayRequest *request;
  guint count = 0;

  request = add (requests, "1", A, DRAY_REQUEST_DOWNLOADING);
  models = dray_model_list_new (G_LIST_MODEL (requests));
  g_signal_connect_swapped (peek_model (models, 0), "notify::downloaded", G_CALLBACK (count_cb),
                            &count);
  for (gint64 i = 1; count < 3; i++)
    {
      set_progress (request, i, G_MAXINT64, 0);
      g_main_context_iteration (NULL, FALSE);
    }
  took = g_get_monotonic_time () - begun;
  g_assert_cmpint (took, >=, 3 * 95 * G_TIME_SPAN_MILLISECOND);
}

static void
test_sections (void)
{
  g_autoptr (GListStore) requests = g_list_store_new (DRAY_TYPE_REQUEST);
  g_autoptr (DrayModelList) models = NULL;
  g_autoptr (GError) error = g_error_new_literal (DRAY_ERROR, DRAY_ERROR_NETWORK, "Broken");
  DrayRequest *first, *second;
  DrayModel *model;
  guint count = 0;

  first = add (requests, "1", A, DRAY_REQUEST_COMPLETED);
  models = dray_model_list_new (G_LIST_MODEL (requests));
  model = peek_model (models, 0);
  g_assert_cmpint (dray_model_get_section (model), ==, DRAY_MODEL_FINISHED);

  second = add (requests, "2", A, DRAY_REQUEST_PAUSED);
  g_assert_cmpint (dray_model_get_section (model), ==, DRAY_MODEL_PAUSED);
  g_assert_true (dray_model_get_request (model, 0) == first);

  g_signal_connect_swapped (model, "notify::section", G_CALLBACK (count_cb), &count);
  dray_request_set_state (second, DRAY_REQUEST_CONNECTING);
  wait_for (&count);
  g_assert_cmpint (dray_model_get_section (model), ==, DRAY_MODEL_IN_PROGRESS);
  g_assert_cmpint (dray_model_get_state (model), ==, DRAY_REQUEST_CONNECTING);

  count = 0;
  dray_request_settle (second, DRAY_REQUEST_FAILED, error);
  wait_for (&count);
  g_assert_cmpint (dray_model_get_section (model), ==, DRAY_MODEL_NEEDS_YOU);
}

static void
items_changed_cb (guint *n_told,
                  G_GNUC_UNUSED guint position,
                  guint removed,
                  guint added,
                  G_GNUC_UNUSED GListModel *model)
{
  *n_told = *n_told + added - removed;
}

static void
compare_cb (DrayModel *model, G_GNUC_UNUSED GParamSpec *pspec, guint *n_told)
{
  g_assert_cmpuint (dray_model_get_n_requests (model), ==, *n_told);
}

/* Who begins to follow a model in its change of section has been told of all its requests. */
static void
test_list_before_section (void)
{
  g_autoptr (GListStore) requests = g_list_store_new (DRAY_TYPE_REQUEST);
  g_autoptr (DrayModelList) models = NULL;
  DrayModel *model;
  guint n_told = 1, n_sections = 0;

  add (requests, "1", A, DRAY_REQUEST_PAUSED);
  models = dray_model_list_new (G_LIST_MODEL (requests));
  model = peek_model (models, 0);
  g_signal_connect_swapped (model, "items-changed", G_CALLBACK (items_changed_cb), &n_told);
  g_signal_connect (model, "notify::section", G_CALLBACK (compare_cb), &n_told);
  g_signal_connect_swapped (model, "notify::section", G_CALLBACK (count_cb), &n_sections);

  add (requests, "2", A, DRAY_REQUEST_CONNECTING);
  g_assert_cmpuint (n_sections, ==, 1);
  g_list_store_remove (requests, 1);
  g_assert_cmpuint (n_sections, ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/model-list/names-of-sources", test_names_of_sources);
  g_test_add_func ("/model-list/names", test_names);
  g_test_add_func ("/model-list/order", test_order);
  g_test_add_func ("/model-list/sums", test_sums);
  g_test_add_func ("/model-list/one-transfer", test_one_transfer);
  g_test_add_func ("/model-list/repeated-rows", test_repeated_rows);
  g_test_add_func ("/model-list/parent", test_parent);
  g_test_add_func ("/model-list/pace", test_pace);
  g_test_add_func ("/model-list/sections", test_sections);
  g_test_add_func ("/model-list/list-before-section", test_list_before_section);

  return g_test_run ();
}

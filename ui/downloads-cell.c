/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/downloads-cell.h"

#include "ui/heading-row.h"
#include "ui/model-row.h"
#include "ui/request-row.h"

struct _DrayDownloadsCell
{
  AdwBin parent_instance;

  GtkTreeListRow *tree_row;

  /* Made when first needed and kept, since a list that scrolls goes through all kinds. */
  GtkWidget *heading_row;
  GtkWidget *model_row;
  GtkWidget *request_row;
};

G_DEFINE_FINAL_TYPE (DrayDownloadsCell, dray_downloads_cell, ADW_TYPE_BIN)

static GtkWidget *
ensure_row (GtkWidget **row, GType type)
{
  if (*row == NULL)
    *row = g_object_ref_sink (g_object_new (type, NULL));

  return *row;
}

/* Lets go of what rows that are not shown held, so that they follow nothing. */
static void
release (DrayDownloadsCell *self, GtkWidget *shown)
{
  if (self->heading_row != NULL && self->heading_row != shown)
    g_object_set (self->heading_row, "section", NULL, NULL);
  if (self->model_row != NULL && self->model_row != shown)
    g_object_set (self->model_row, "tree-row", NULL, NULL);
  if (self->request_row != NULL && self->request_row != shown)
    g_object_set (self->request_row, "tree-row", NULL, NULL);
}

static GtkWidget *
show_item (DrayDownloadsCell *self, gpointer item)
{
  GtkWidget *row;

  if (DRAY_IS_SECTION (item))
    {
      row = ensure_row (&self->heading_row, DRAY_TYPE_HEADING_ROW);
      g_object_set (row, "section", item, NULL);
      return row;
    }

  if (DRAY_IS_MODEL (item))
    row = ensure_row (&self->model_row, DRAY_TYPE_MODEL_ROW);
  else
    row = ensure_row (&self->request_row, DRAY_TYPE_REQUEST_ROW);
  g_object_set (row, "tree-row", self->tree_row, NULL);

  return row;
}

static void
dray_downloads_cell_dispose (GObject *object)
{
  DrayDownloadsCell *self = DRAY_DOWNLOADS_CELL (object);

  release (self, NULL);
  g_clear_object (&self->heading_row);
  g_clear_object (&self->model_row);
  g_clear_object (&self->request_row);
  g_clear_object (&self->tree_row);

  G_OBJECT_CLASS (dray_downloads_cell_parent_class)->dispose (object);
}

static void
dray_downloads_cell_class_init (DrayDownloadsCellClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dray_downloads_cell_dispose;
}

static void
dray_downloads_cell_init (G_GNUC_UNUSED DrayDownloadsCell *self)
{
}

/**
 * dray_downloads_cell_new:
 *
 * Returns: (transfer floating): a cell that shows nothing yet
 */
GtkWidget *
dray_downloads_cell_new (void)
{
  return g_object_new (DRAY_TYPE_DOWNLOADS_CELL, NULL);
}

/**
 * dray_downloads_cell_set_tree_row:
 * @self: a cell
 * @tree_row: (nullable): the row that it shows from now on; %NULL to follow nothing
 */
void
dray_downloads_cell_set_tree_row (DrayDownloadsCell *self, GtkTreeListRow *tree_row)
{
  g_autoptr (GObject) item = NULL;
  GtkWidget *row = NULL;

  g_return_if_fail (DRAY_IS_DOWNLOADS_CELL (self));

  if (self->tree_row == tree_row)
    return;

  g_set_object (&self->tree_row, tree_row);
  if (tree_row != NULL)
    item = gtk_tree_list_row_get_item (tree_row);
  if (item != NULL)
    row = show_item (self, item);
  release (self, row);
  if (row != NULL)
    adw_bin_set_child (ADW_BIN (self), row);
}

/**
 * dray_downloads_cell_get_buttons:
 * @self: a cell
 *
 * Returns: (transfer none) (nullable): the buttons of what it shows; %NULL in a heading
 */
DrayRowButtons *
dray_downloads_cell_get_buttons (DrayDownloadsCell *self)
{
  GtkWidget *row = adw_bin_get_child (ADW_BIN (self));

  if (DRAY_IS_MODEL_ROW (row))
    return dray_model_row_get_buttons (DRAY_MODEL_ROW (row));
  if (DRAY_IS_REQUEST_ROW (row))
    return dray_request_row_get_buttons (DRAY_REQUEST_ROW (row));

  return NULL;
}
